import { createUsersAndTokens } from './0001-users-and-tokens.js'
import { addAttributes } from './0002-attributes.js'
import { setEmailCollationAndForeignKey } from './0003-email-collation-and-foreign-key.js'
import type { Migration } from './migration.js'

/** All migrations. Version n of the schema is the result of the first n migrations. */
export const migrations: readonly Migration[] = [createUsersAndTokens, addAttributes, setEmailCollationAndForeignKey]

/** The schema version that this code works with. */
export const schemaVersion = migrations.length
