import type { RequireTokenHook, RequireTokenOptions } from './hooks/require-token.js'
import type { Settings } from './schemas/settings.js'
import type { Token } from './schemas/tokens.js'
import type { User } from './schemas/users.js'
import type { VexaAdminServices } from './services/public-services.js'

/** The settings of the plugin, as `GET /settings` returns them without the admin key of a request. */
export type AppSettings = { readonly [Name in Exclude<keyof Settings, 'key'>]: Readonly<Settings[Name]> }

/** The object that the plugin adds to the app as `app.vexaAdmin`. */
export interface VexaAdmin extends VexaAdminServices {
  /**
   * The version and the options that `GET /settings` returns, as a frozen object. Other plugins may check these
   * options.
   */
  readonly settings: AppSettings

  /**
   * Returns a hook for the app's own routes. The hook rejects each request without a valid API token. Use it as
   * `onRequest` or as a later hook.
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
    /** The user of the API token. A hook of `requireToken` sets it. `null` on routes without this hook. */
    apiUser: User
    /** The API token, with `***` as its value. A hook of `requireToken` sets it. `null` on routes without this hook. */
    apiToken: Token
  }
}
