import { createUsersAndTokens } from './0001-users-and-tokens.js'
import { addAttributes } from './0002-attributes.js'
import { setEmailCollationAndForeignKey } from './0003-email-collation-and-foreign-key.js'
import { addTokenAttributes } from './0004-token-attributes.js'
import { createAuditTrail } from './0005-audit-trail.js'
import type { Migration } from './migration.js'

/** All migrations. Version n of the schema is the result of the first n migrations. */
export const migrations: readonly Migration[] = [
  createUsersAndTokens, addAttributes, setEmailCollationAndForeignKey, addTokenAttributes, createAuditTrail
]

/** The version of the schema that this code works with. */
export const schemaVersion = migrations.length
