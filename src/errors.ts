import { createError, type FastifyErrorConstructor } from '@fastify/error'

// Written out, since what TypeScript infers can be read by hosts with `moduleResolution: nodenext` only.
type Constructor<Code extends string> = FastifyErrorConstructor<{ code: `VEXA_ADMIN_ERR_${Code}`, statusCode: number }>

// Errors that a request can meet carry no stack: they are expected, they are logged by the host,
// and a stack in a log line holds paths.
function requestError<Code extends string> (code: Code, message: string, statusCode: number): Constructor<Code> {
  return createError(`VEXA_ADMIN_ERR_${code}`, message, statusCode, Error, false)
}

function bootError<Code extends string> (code: Code, message: string): Constructor<Code> {
  return createError(`VEXA_ADMIN_ERR_${code}`, message, 500)
}

/** 401: the admin key is missing or not valid. One message for every reason. */
export const UnauthorizedError = requestError('UNAUTHORIZED', 'Admin key missing or not valid: send one in the header X-Admin-API-Key', 401)
export type UnauthorizedError = InstanceType<typeof UnauthorizedError>

/** 403: with the option `authorize`, a page of another origin asks for a change. */
export const CrossOriginError = requestError('CROSS_ORIGIN', 'The request comes from another origin than this host: send it from this one, name the origin in the option `trustedOrigins`, or set `trustProxy` of Fastify behind a proxy that changes Host', 403)
export type CrossOriginError = InstanceType<typeof CrossOriginError>

/** 400: a service was called with a value that the HTTP API would have refused. */
export const InvalidInputError = requestError('INVALID_INPUT', '%s', 400)
export type InvalidInputError = InstanceType<typeof InvalidInputError>

/** 404: there is no such user. */
export const UserNotFoundError = requestError('USER_NOT_FOUND', 'User not found', 404)
export type UserNotFoundError = InstanceType<typeof UserNotFoundError>

/** 404: there is no such token. */
export const TokenNotFoundError = requestError('TOKEN_NOT_FOUND', 'Token not found', 404)
export type TokenNotFoundError = InstanceType<typeof TokenNotFoundError>

/** 401, on routes of the host: the API token is missing or not valid. One message for every reason. */
export const InvalidTokenError = requestError('INVALID_TOKEN', 'API token missing or not valid: send one in the header X-API-Key, or as Authorization: Bearer', 401)
export type InvalidTokenError = InstanceType<typeof InvalidTokenError>

/** 403, on routes of the host: the API token lacks a scope. The message names those that it lacks. */
export const InsufficientScopeError = requestError('INSUFFICIENT_SCOPE', 'The API token lacks what this needs: %s', 403)
export type InsufficientScopeError = InstanceType<typeof InsufficientScopeError>

/** 403, on routes of the host: the user of the API token is disabled. */
export const UserDisabledError = requestError('USER_DISABLED', 'The user of the API token is disabled', 403)
export type UserDisabledError = InstanceType<typeof UserDisabledError>

/** 409: an expired token cannot be rotated. */
export const TokenExpiredError = requestError('TOKEN_EXPIRED', 'The token has expired', 409)
export type TokenExpiredError = InstanceType<typeof TokenExpiredError>

/** 409: the e-mail address belongs to another user. */
export const EmailTakenError = requestError('EMAIL_TAKEN', 'The e-mail address belongs to another user', 409)
export type EmailTakenError = InstanceType<typeof EmailTakenError>

/** 409: a foreign key of the app's own tables refers to the user, or to a token of it, and forbids the deletion, or the change of the address. Nothing is changed. */
export const UserReferencedError = requestError('USER_REFERENCED', 'Rows of the app refer to the user or its tokens: delete those rows first', 409)
export type UserReferencedError = InstanceType<typeof UserReferencedError>

/** 409: a foreign key of the app's own tables refers to the token, and forbids that it is revoked. Nothing is changed. */
export const TokenReferencedError = requestError('TOKEN_REFERENCED', 'Rows of the app refer to the token: delete those rows first', 409)
export type TokenReferencedError = InstanceType<typeof TokenReferencedError>

const StorageErrorBase = requestError('STORAGE_UNAVAILABLE', 'Storage cannot answer now', 503)

/** 503: storage cannot answer now. It says nothing about whether the user or token exists. */
export class StorageUnavailableError extends StorageErrorBase {
  /** The driver's own code, such as `SQLITE_BUSY` or `ECONNREFUSED`, where it has one. */
  declare storageCode?: string
  /** What the storage threw. Not enumerable and not named `cause`, because loggers print those, and drivers put SQL and values into them. */
  declare readonly fault: unknown

  constructor (fault: unknown) {
    super()
    Object.defineProperty(this, 'fault', { value: fault })
    const code = (fault as { code?: unknown } | null | undefined)?.code
    if (typeof code === 'string' && /^[A-Z0-9_]{1,64}$/.test(code)) this.storageCode = code
  }
}

/** 500: a call within a transaction or connection of the app's own, on the `db` that KyselyStorage was given. It would wait for its own caller. */
export const InTransactionError = requestError('IN_TRANSACTION',
  "The call was made within a transaction or connection of the app's own `db`: make it before or after", 500)
export type InTransactionError = InstanceType<typeof InTransactionError>

/** Boot: an option of the plugin, or of a storage, is wrong. */
export const InvalidOptionError = bootError('INVALID_OPTION', 'fastify-vexa-admin: %s')
export type InvalidOptionError = InstanceType<typeof InvalidOptionError>

/** Boot: the storage could not be opened. The driver's error is its `cause`. */
export const StorageOpenError = bootError('STORAGE_OPEN', 'fastify-vexa-admin: the storage cannot be opened: %s')
export type StorageOpenError = InstanceType<typeof StorageOpenError>

/** Boot: the database was written by a newer version of this package, and is left as it is. */
export const DatabaseTooNewError = bootError('DATABASE_TOO_NEW',
  'fastify-vexa-admin: the database has schema version %d, this version of the package knows %d: upgrade the package')
export type DatabaseTooNewError = InstanceType<typeof DatabaseTooNewError>

/** Boot: `migrate` is `false` and the database lacks migrations. */
export const DatabaseNotMigratedError = bootError('DATABASE_NOT_MIGRATED',
  'fastify-vexa-admin: the database has schema version %d, this version of the package needs %d')
export type DatabaseNotMigratedError = InstanceType<typeof DatabaseNotMigratedError>

/** Boot: KyselyStorage does not know the dialect's database. */
export const UnsupportedDatabaseError = bootError('UNSUPPORTED_DATABASE',
  'fastify-vexa-admin: KyselyStorage knows SQLite, PostgreSQL and MySQL, not the dialect of %s')
export type UnsupportedDatabaseError = InstanceType<typeof UnsupportedDatabaseError>
