export { vexaAdmin as default, vexaAdmin } from './plugin.js'
export type { VexaAdmin } from './decorations.js'
export type { VexaAdminOptions } from './options.js'
export { fingerprintAdminKey } from './hooks/admin-keys.js'
export type { Authorize } from './hooks/require-admin.js'
export type { RequireTokenOptions, RequireTokenHook } from './hooks/require-token.js'
export type { ChangeOptions } from './schemas/change-options.js'
export type { UserService } from './services/user-service.js'
export type { TokenService } from './services/token-service.js'
export * from './errors.js'
export { auditEvents, type AuditEvents, type ChangeSource, type Rejection } from './events.js'
export { Email, ErrorReply, Timestamp } from './schemas/primitives.js'
export { CreateUser, ListUsers, UpdateUser, User, UserWithTokens } from './schemas/users.js'
export { RotateToken, createTokenBodies, Token, type CreateToken, type VerifyToken } from './schemas/tokens.js'
export { securitySchemes } from './schemas/security-schemes.js'
export { Verification } from './schemas/verification.js'
export { normalizeForSearch } from './normalize.js'
export {
  KyselyStorage, type AnyDialect, type AnyKysely, type KyselyStorageOptions
} from './storage/sql/kysely-storage.js'
export { migrate } from './storage/sql/migrate-storage.js'
export { withPreparedStatements } from './storage/sql/drivers/prepared-statements.js'
export { sqliteStorage, type SqliteStorageOptions } from './storage/sql/sqlite-storage.js'
export type {
  NewTokenRecord, NewUserRecord, StorageAdapter, TokenRecord, TokenReplacement, TokenWithUser,
  UserChanges, UserPage, UserRecord
} from './storage/storage-adapter.js'
