import type { ChangeSource } from '../events.js'
import { isPlainObject } from '../schemas/json-object.js'
import { ChangeOptions } from '../schemas/change-options.js'
import { validator } from '../schemas/validator.js'
import type { TokenService } from './token-service.js'
import type { TokenRouteService } from './tokens.js'
import type { UserService } from './user-service.js'
import type { UserRouteService } from './users.js'

/** The services for the app's own code. */
export interface VexaAdminServices {
  readonly users: UserService
  readonly tokens: TokenService
  /**
   * Makes one cheap query, which no cache answers. Resolves if the storage answers it, for example for a health check.
   *
   * @throws {StorageUnavailableError} 503 if the storage cannot answer now
   */
  ping (): Promise<void>
}

const validateOptions = validator(ChangeOptions)

/** Returns the source of a change by the app's own code. The code may name the actor, and nothing else. */
function changeSourceOf (options: ChangeOptions = {}): ChangeSource {
  validateOptions(isPlainObject(options) ? options : null)
  return options.actor === undefined ? {} : { actor: options.actor }
}

// These objects are built member by member, so that the app cannot use internal parameters and methods.

/** Creates the services for the app's own code from those for the routes. */
export function publicServices (
  { users, tokens, ping }: { users: UserRouteService, tokens: TokenRouteService, ping: () => Promise<void> }
): VexaAdminServices {
  return { users: publicUsers(users), tokens: publicTokens(tokens), ping: () => ping() }
}

function publicUsers (users: UserRouteService): UserService {
  return {
    create: async (user, options) => (await users.createOrReturn(user, changeSourceOf(options))).user,
    findOrCreate: async (input, options) => {
      const { user, created } = await users.findOrCreate(input, changeSourceOf(options))
      return { user, created }
    },
    get: async (id) => (await users.get(id)).user,
    getByEmail: async (email) => (await users.getByEmail(email)).user,
    list: async (page = {}) => (await users.page(page)).users,
    update: async (id, changes, options) => (await users.update(id, changes, changeSourceOf(options))).user,
    edit: async (id, edit, options) => users.edit(id, edit, changeSourceOf(options)),
    delete: async (id, options) => users.delete(id, changeSourceOf(options))
  }
}

function publicTokens (tokens: TokenRouteService): TokenService {
  return {
    create: async (userId, token, options) => tokens.create(userId, token, changeSourceOf(options)),
    list: (userId) => tokens.list(userId),
    revoke: async (id, options) => tokens.revoke(id, changeSourceOf(options)),
    revokeAll: async (userId, options) => tokens.revokeAll(userId, changeSourceOf(options)),
    rotate: async (id, rotation, options) => tokens.rotate(id, rotation, changeSourceOf(options)),
    verify: (token) => tokens.verify(token)
  }
}
