import type { ChangeSource } from '../events.js'
import { isPlainObject } from '../schemas/json-object.js'
import { ChangeOptions } from '../schemas/change-options.js'
import { validator } from '../schemas/validator.js'
import type { TokenService } from './token-service.js'
import type { TokenRouteService } from './tokens.js'
import type { UserService } from './user-service.js'
import type { UserRouteService } from './users.js'

const validateOptions = validator(ChangeOptions)

/** Returns the source of a change by the app's own code. The code may name the actor, and nothing else. */
function changeSourceOf (options: ChangeOptions = {}): ChangeSource {
  validateOptions(isPlainObject(options) ? options : null)
  return options.actor === undefined ? {} : { actor: options.actor }
}

// These objects are built member by member, so that the app cannot use internal parameters and methods.

/** Creates `app.vexaAdmin.users`. */
export function publicUsers (users: UserRouteService): UserService {
  return {
    create: async (user, options) => (await users.createOrReturn(user, changeSourceOf(options))).user,
    get: (id) => users.get(id),
    getByEmail: (email) => users.getByEmail(email),
    list: async (page = {}) => (await users.page(page)).users,
    update: async (id, changes, options) => users.update(id, changes, changeSourceOf(options)),
    delete: async (id, options) => users.delete(id, changeSourceOf(options))
  }
}

/** Creates `app.vexaAdmin.tokens`. */
export function publicTokens (tokens: TokenRouteService): TokenService {
  return {
    create: async (userId, token, options) => tokens.create(userId, token, changeSourceOf(options)),
    list: (userId) => tokens.list(userId),
    revoke: async (id, options) => tokens.revoke(id, changeSourceOf(options)),
    revokeAll: async (userId, options) => tokens.revokeAll(userId, changeSourceOf(options)),
    rotate: async (id, rotation, options) => tokens.rotate(id, rotation, changeSourceOf(options)),
    verify: (token) => tokens.verify(token)
  }
}
