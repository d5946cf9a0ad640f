import type { RequireTokenHook, RequireTokenOptions } from './hooks/require-token.js'
import type { Token } from './schemas/tokens.js'
import type { User } from './schemas/users.js'
import type { VexaAdminServices } from './services/public-services.js'

/** The decoration of the app: `app.vexaAdmin`. */
export interface VexaAdmin extends VexaAdminServices {
  /**
   * Returns a hook for the app's own routes. Use it as `onRequest` or as a later hook. It rejects each request
   * without a valid API token.
   *
   * @throws {InvalidOptionError} if an option is wrong, or a scope is not one of the plugin's `scopes`
   * @example
   * app.get('/me', { onRequest: app.vexaAdmin.requireToken() }, (request) => request.apiUser)
   */
  requireToken (options?: RequireTokenOptions): RequireTokenHook
}

declare module 'fastify' {
  interface FastifyInstance {
    vexaAdmin: VexaAdmin
  }
  interface FastifyRequest {
    /** The user of the API token. Set by `requireToken`; `null` on routes without that hook. */
    apiUser: User
    /** The API token, with `***` as its value. Set by `requireToken`; `null` on routes without that hook. */
    apiToken: Token
  }
}
