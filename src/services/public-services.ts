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
