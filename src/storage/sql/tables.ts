import type { ColumnType, Generated } from 'kysely'

/** An integer of eight bytes, which some drivers return as text. */
type Key = Generated<number | string | bigint>
/** A boolean: written by `writeBoolean`, read with `selection.boolean`. */
type Flag = ColumnType<unknown, boolean | number | undefined, boolean | number>
/** A time: written by `writeTime`, read with `selection.time` and `readTime`. */
type Time<Nullable = never> = ColumnType<unknown, string | Nullable, string | Nullable>
/** JSON: written as text, read with `selection.json`. */
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
    /** The token that the latest rotation created. It may have ended. */
    successor_id: number | string | bigint | null
  }
  audit: {
    /** Without gaps, in the order of commits. */
    id: number | string | bigint
    /** Milliseconds since 1970. */
    at: number | string | bigint
    /** A number of `audit-actions.ts`. */
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
    /** `counterId`, in the only row. */
    id: number
    /** The key of the last entry. */
    last: Key
  }
  migrations: {
    /** n: the migration to version n is done. -n: the migration to version n has begun. 0: a row to lock. */
    version: number
    applied_at: Time
  }
}

/** The row of `audit_last` that counts the entries, unless the database generates consecutive keys. */
export const counterId = 1

export type TableNames = { readonly [Name in keyof Tables]: Name }

/** Returns each table's name in the database, typed as the name that Kysely knows. */
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
