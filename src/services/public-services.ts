import { AuditOffError, InvalidInputError } from '../errors.js'
import type { ChangeSource } from '../events.js'
import { isPlainObject } from '../schemas/json-object.js'
import { ChangeOptions } from '../schemas/change-options.js'
import { validator } from '../schemas/validator.js'
import type { AuditRouteService } from './audit.js'
import type { AuditService } from './audit-service.js'
import { copyInput } from './copy-input.js'
import type { TokenService } from './token-service.js'
import type { TokenRouteService } from './tokens.js'
import type { TransferService } from './transfer-service.js'
import type { UserService } from './user-service.js'
import type { UserRouteService } from './users.js'

/** The services for the app's own code. */
export interface VexaAdminServices extends TransferService {
  readonly users: UserService
  readonly tokens: TokenService
  /** Reads the audit trail. Without the option `audit`, `audit.list` throws AuditOffError. */
  readonly audit: AuditService
  /**
   * Makes one cheap query, for example for a health check. No cache answers this query. Resolves if the storage
   * answers.
   *
   * @throws {StorageUnavailableError} 503 if the storage cannot answer now
   */
  ping (): Promise<void>
}

const validateOptions = validator(ChangeOptions)

/** Returns the source of a change that the app's own code makes. The source holds the `actor` of `options`, if any. */
function changeSourceOf (options: ChangeOptions = {}): ChangeSource {
  const given = copyInput(options)
  validateOptions(isPlainObject(options) ? given : null)
  return given.actor === undefined ? {} : { actor: given.actor }
}

/**
 * Returns a copy of the query of a list.
 *
 * @throws {InvalidInputError} 400 if the query has `count`, because the result has no total
 */
function copyQuery<T extends object> (query: T): T {
  const copy: T & { count?: unknown } = copyInput(query)
  if (copy?.count !== undefined) throw new InvalidInputError('/count Unexpected property')
  return copy
}

// The functions below build each service member by member, so that the app cannot use internal parameters and methods.
// The methods copy each argument that is an object. Only `verify` does not copy, because it runs for each request and
// writes nothing.

/** Creates the services for the app's own code from the services for the routes. */
export function publicServices ({ users, tokens, audit, transfer, ping }: {
  users: UserRouteService
  tokens: TokenRouteService
  audit: AuditRouteService | undefined
  transfer: TransferService
  ping: () => Promise<void>
}): VexaAdminServices {
  return {
    users: publicUsers(users),
    tokens: publicTokens(tokens),
    audit: publicAudit(audit),
    import: async (lines, options) => transfer.import(lines, options),
    export: () => transfer.export(),
    ping: () => ping()
  }
}

function publicAudit (audit: AuditRouteService | undefined): AuditService {
  return {
    list: async (query = {}) => {
      if (audit === undefined) throw new AuditOffError()
      return (await audit.list(copyInput(query))).entries
    }
  }
}

function publicUsers (users: UserRouteService): UserService {
  return {
    create: async (user, options) => (await users.createOrReturn(copyInput(user), changeSourceOf(options))).user,
    findOrCreate: async (input, options) => {
      const { user, created } = await users.findOrCreate(copyInput(input), changeSourceOf(options))
      return { user, created }
    },
    get: async (id) => (await users.get(id)).user,
    getByEmail: async (email) => (await users.getByEmail(email)).user,
    list: async (page = {}) => (await users.page(copyQuery(page))).users,
    update: async (id, changes, options) =>
      (await users.update(id, copyInput(changes), changeSourceOf(options))).user,
    edit: async (id, change, options) => users.edit(id, change, changeSourceOf(options)),
    delete: async (id, options) => users.delete(id, changeSourceOf(options))
  }
}

function publicTokens (tokens: TokenRouteService): TokenService {
  return {
    create: async (userId, token, options) => tokens.create(userId, copyInput(token), changeSourceOf(options)),
    get: (id) => tokens.get(id),
    find: async (query = {}) => (await tokens.find(copyQuery(query))).tokens,
    list: async (userId, page = {}) => (await tokens.list(userId, copyInput(page))).tokens,
    update: async (id, changes, options) => tokens.update(id, copyInput(changes), changeSourceOf(options)),
    revoke: async (id, options) => tokens.revoke(id, changeSourceOf(options)),
    revokeAll: async (userId, options) => tokens.revokeAll(userId, changeSourceOf(options)),
    rotate: async (id, rotation, options) => tokens.rotate(id, copyInput(rotation), changeSourceOf(options)),
    verify: (token) => tokens.verify(token),
    prune: async (expiredBefore, options) => {
      changeSourceOf(options)
      return tokens.prune(expiredBefore)
    }
  }
}
