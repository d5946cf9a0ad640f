import { createError, type FastifyErrorConstructor } from '@fastify/error'

// The constants need this explicit type, because apps without `moduleResolution: nodenext` cannot use the inferred
// type.
type Constructor<Code extends string> =
  FastifyErrorConstructor<{ code: `VEXA_ADMIN_ERR_${Code}`, statusCode: number }>

// Returns an error without a stack. Requests cause these errors and the app logs them, so a stack would put file paths
// into the log.
function requestError<Code extends string> (code: Code, message: string, statusCode: number): Constructor<Code> {
  return createError(`VEXA_ADMIN_ERR_${code}`, message, statusCode, Error, false)
}

function bootError<Code extends string> (code: Code, message: string): Constructor<Code> {
  return createError(`VEXA_ADMIN_ERR_${code}`, `fastify-vexa-admin: ${message}`, 500)
}

/**
 * 401: the admin key is missing or not valid. The message is the same in both cases. With the option `authorize`: the
 * function `authorize` did not accept the request. The message then asks the sender to sign in as an admin.
 */
export const UnauthorizedError = requestError('UNAUTHORIZED',
  'Admin key missing or not valid: send one in the header X-Admin-API-Key', 401)
export type UnauthorizedError = InstanceType<typeof UnauthorizedError>

/**
 * 403: the admin lacks the permission that the route needs. The message names the permission. A key has the permissions
 * that the option `adminKeys` names. An admin that `authorize` accepts has the permissions that `authorize` returns.
 */
export const ForbiddenError = requestError('FORBIDDEN',
  'The admin lacks the permission that this request needs: %s', 403)
export type ForbiddenError = InstanceType<typeof ForbiddenError>

/** 403, with the option `authorize`: a page of another origin requests a change. */
export const CrossOriginError = requestError('CROSS_ORIGIN',
  'The request comes from a page of another origin: use a page of this host, add the origin of the page to ' +
  'the option `trustedOrigins`, or set `trustProxy` of Fastify if a proxy changes the Host header', 403)
export type CrossOriginError = InstanceType<typeof CrossOriginError>

/**
 * 400: a call by the app's own code has an argument that is not valid. Over HTTP, only `data` above `maxDataSize`
 * and an `expired_before` in the future cause this error. The message says what is wrong.
 */
export const InvalidInputError = requestError('INVALID_INPUT', '%s', 400)
export type InvalidInputError = InstanceType<typeof InvalidInputError>

/** 404: no user has this id or e-mail address. */
export const UserNotFoundError = requestError('USER_NOT_FOUND', 'User not found', 404)
export type UserNotFoundError = InstanceType<typeof UserNotFoundError>

/** 404: no token has this id. */
export const TokenNotFoundError = requestError('TOKEN_NOT_FOUND', 'Token not found', 404)
export type TokenNotFoundError = InstanceType<typeof TokenNotFoundError>

/** 401, on routes of the app: the API token is missing or not valid. The message is always the same. */
export const InvalidTokenError = requestError('INVALID_TOKEN',
  'API token missing or not valid: send one in the header X-API-Key, or as Authorization: Bearer', 401)
export type InvalidTokenError = InstanceType<typeof InvalidTokenError>

/** 403, on routes of the app: the API token lacks a required scope. The message names each missing scope. */
export const InsufficientScopeError = requestError('INSUFFICIENT_SCOPE', 'The API token lacks required scopes: %s', 403)
export type InsufficientScopeError = InstanceType<typeof InsufficientScopeError>

/** 403, on routes of the app: the user of the API token is disabled. */
export const UserDisabledError = requestError('USER_DISABLED', 'The user of the API token is disabled', 403)
export type UserDisabledError = InstanceType<typeof UserDisabledError>

/** 403, on routes of the app: the API token is disabled. */
export const TokenDisabledError = requestError('TOKEN_DISABLED', 'The API token is disabled', 403)
export type TokenDisabledError = InstanceType<typeof TokenDisabledError>

/** 409: an expired token cannot be rotated or updated. */
export const TokenExpiredError = requestError('TOKEN_EXPIRED', 'The token has expired', 409)
export type TokenExpiredError = InstanceType<typeof TokenExpiredError>

/**
 * 409: the token has been rotated, and its successor is still stored and has not expired. The message names the id of
 * the successor. If the reply to the rotation was lost, rotate the successor.
 */
export const TokenRotatedError = requestError('TOKEN_ROTATED',
  'The token has been rotated already. Its successor is %s: rotate that token to get a new value', 409)
export type TokenRotatedError = InstanceType<typeof TokenRotatedError>

/** 409: the e-mail address belongs to another user. */
export const EmailTakenError = requestError('EMAIL_TAKEN', 'The e-mail address belongs to another user', 409)
export type EmailTakenError = InstanceType<typeof EmailTakenError>

/** 412: the user has changed since the revision that the header `If-Match` names. The request changes nothing. */
export const ChangedMeanwhileError = requestError('CHANGED_MEANWHILE',
  'The user has changed since the reply with the ETag in If-Match: get the user again', 412)
export type ChangedMeanwhileError = InstanceType<typeof ChangedMeanwhileError>

/**
 * 409: a foreign key of the app's own tables refers to the user or one of its tokens. The database therefore rejects
 * the deletion of the user, or the change of its address. The call changes nothing.
 */
export const UserReferencedError = requestError('USER_REFERENCED',
  'Rows of the app refer to the user or its tokens: delete those rows first', 409)
export type UserReferencedError = InstanceType<typeof UserReferencedError>

/**
 * 409: a foreign key of the app's own tables refers to the token. The database therefore rejects the revocation of the
 * token, or its rotation without a grace period. The call changes nothing.
 */
export const TokenReferencedError = requestError('TOKEN_REFERENCED',
  'Rows of the app refer to the token: delete those rows first', 409)
export type TokenReferencedError = InstanceType<typeof TokenReferencedError>

const StorageErrorBase = requestError('STORAGE_UNAVAILABLE', 'Storage cannot answer now', 503)

/** 503: the storage cannot answer now. The error does not tell whether the user or token exists. */
export class StorageUnavailableError extends StorageErrorBase {
  /**
   * The code of `fault`, such as `SQLITE_BUSY` or `ECONNREFUSED`, or `TIMEOUT` if the storage has not answered within
   * `storageTimeout`. Absent if `fault` has no such code.
   */
  declare storageCode?: string
  /**
   * The value that the storage threw, or an error that tells why the answer of the storage is missing or wrong. This
   * member is not enumerable and not named `cause`, because loggers print enumerable members and `cause`. Drivers put
   * SQL and values into their errors, which must not get into the log.
   */
  declare readonly fault: unknown

  constructor (fault: unknown) {
    super()
    Object.defineProperty(this, 'fault', { value: fault })
    const code = (fault as { code?: unknown } | null | undefined)?.code
    if (typeof code === 'string' && /^[A-Z0-9_]{1,64}$/.test(code)) this.storageCode = code
  }
}

/**
 * 500: the app calls a service inside a transaction or connection of the `db` that the app gave to KyselyStorage. The
 * call would need a second connection. If no connection is free, the call would wait for its own caller.
 */
export const InTransactionError = requestError('IN_TRANSACTION',
  'The app made this call inside a transaction or connection of its own `db`: make the call before or after it', 500)
export type InTransactionError = InstanceType<typeof InTransactionError>

/** 500: the app's own code reads the audit trail, but the option `audit` is off. */
export const AuditOffError = requestError('AUDIT_OFF',
  'There is no audit trail: turn on the option `audit` of fastify-vexa-admin', 500)
export type AuditOffError = InstanceType<typeof AuditOffError>

/** 500: the app imports or exports, but its storage lacks the methods of PortableStorageAdapter. */
export const NotPortableError = requestError('NOT_PORTABLE',
  'This storage can neither import nor export: use KyselyStorage, or add the methods of PortableStorageAdapter', 500)
export type NotPortableError = InstanceType<typeof NotPortableError>

/**
 * 409, with `onConflict: 'fail'`: a line of an import has a conflict, as the option `onConflict` of ImportOptions
 * defines it. The message names the line. The import has taken all earlier lines, and no later line.
 */
export const ImportConflictError = requestError('IMPORT_CONFLICT', 'Line %d of the import: %s', 409)
export type ImportConflictError = InstanceType<typeof ImportConflictError>

/** At boot: an option of the plugin or of a storage is wrong. The message names the option. */
export const InvalidOptionError = bootError('INVALID_OPTION', '%s')
export type InvalidOptionError = InstanceType<typeof InvalidOptionError>

/** At boot: the storage cannot be opened. `cause` is the error of the driver. */
export const StorageOpenError = bootError('STORAGE_OPEN', 'the storage cannot be opened: %s')
export type StorageOpenError = InstanceType<typeof StorageOpenError>

/** At boot: a newer version of this package has migrated the database. This version does not change the database. */
export const DatabaseTooNewError = bootError('DATABASE_TOO_NEW',
  'the database has schema version %d, but this version of the package supports at most %d: upgrade the package')
export type DatabaseTooNewError = InstanceType<typeof DatabaseTooNewError>

/** At boot: the database lacks migrations, and the option `migrate` of KyselyStorage is `false`. */
export const DatabaseNotMigratedError = bootError('DATABASE_NOT_MIGRATED',
  'the database has schema version %d, but this version of the package needs %d: migrate the database first')
export type DatabaseNotMigratedError = InstanceType<typeof DatabaseNotMigratedError>

/** At boot: a file of the console cannot be read. The message names the file. `cause` is the error of the system. */
export const ConsoleMissingError = bootError('CONSOLE_MISSING',
  '`console` needs the file dist/console/%s of this package, which cannot be read (%s): in a checkout, run ' +
  '`npm run build:console`; leave this package out of a bundle')
export type ConsoleMissingError = InstanceType<typeof ConsoleMissingError>

/** At boot: KyselyStorage does not support the database of the dialect. */
export const UnsupportedDatabaseError = bootError('UNSUPPORTED_DATABASE',
  'KyselyStorage supports SQLite, PostgreSQL and MySQL, but not the dialect of %s')
export type UnsupportedDatabaseError = InstanceType<typeof UnsupportedDatabaseError>
