import type { ColumnType, Generated } from 'kysely'

/** An integer of eight bytes, which some drivers return as text. */
type Key = Generated<number | string | bigint>
/** A boolean: written by `writeBoolean`, selected with `selection.boolean`. */
type Flag = ColumnType<unknown, boolean | number | undefined, boolean | number>
/** A time: written by `writeTime`, selected with `selection.time`, and read by `readTime`. */
type Time<Nullable = never> = ColumnType<unknown, string | Nullable, string | Nullable>
/** JSON: written as text, selected as text with `selection.json`. */
type Json = ColumnType<unknown, string | null, string | null>

/** The tables as Kysely sees them. Their names in the database begin with the prefix. */
export interface Tables {
  users: {
    id: Key
    email: string
    name: string | null
    max_concurrent_bots: number
    created_at: Time
    disabled: Flag
    /** A JSON object. */
    data: Json
    revision: Key
    /** `normalizeForSearch(name)`. */
    searchable_name: string | null
  }
  tokens: {
    id: Key
    user_id: number | string | bigint
    hash: Buffer
    created_at: Time
    name: string | null
    /** A JSON array. */
    scopes: Json
    expires_at: Time<null>
    /** Seconds. */
    expires_in: number | null
    last_used_at: Time<null>
    /** A JSON object. */
    data: Json
    disabled: Flag
    /** ASCII. */
    start: string | null
    /** `normalizeForSearch(name)`. */
    searchable_name: string | null
    /** The key of the token that the latest rotation of this token created. That token may not exist any more. */
    successor_id: number | string | bigint | null
  }
  audit: {
    /** The keys have no gaps, and the order of commits. */
    id: number | string | bigint
    /** Milliseconds since 1970. */
    at: number | string | bigint
    /** The number of the action in `audit-actions.ts`. */
    action: number
    actor: string | null
    request_id: string | null
    user_id: number | string | bigint
    token_id: number | string | bigint | null
    successor_id: number | string | bigint | null
    /** A JSON array. */
    changed: string | null
  }
  audit_last: {
    /** Always `counterId`, because the table has only one row. */
    id: number
    /** The key of the last entry. */
    last: Key
  }
  migrations: {
    /**
     * n: the migration to version n is done. -n: the migration to version n has begun. 0: the row that a migration
     * on PostgreSQL locks.
     */
    version: number
    applied_at: Time
  }
}

/** The id of the row of `audit_last` that counts the entries. Unused if the database generates consecutive keys. */
export const counterId = 1

export type TableNames = { readonly [Name in keyof Tables]: Name }

/** Returns the name of each table in the database. Its type is the name without the prefix, as in `Tables`. */
export function tableNames (prefix: string): TableNames {
  const named = <Name extends keyof Tables>(name: Name) => `${prefix}${name}` as Name
  return {
    users: named('users'),
    tokens: named('tokens'),
    audit: named('audit'),
    audit_last: named('audit_last'),
    migrations: named('migrations')
  }
}
