import type { Generated } from 'kysely'

/** The tables as Kysely sees them; their real names carry the prefix. */
export interface Tables {
  users: {
    id: Generated<number>
    email: string
    name: string | null
    max_concurrent_bots: number
    created_at: string
    /** 0 or 1. */
    disabled: Generated<number>
    /** JSON. */
    data: string | null
    revision: Generated<number>
    /** `name` in its searchable form. */
    searchable_name: string | null
  }
  tokens: {
    id: Generated<number>
    user_id: number
    hash: Buffer
    created_at: string
    name: string | null
    /** JSON. */
    scopes: string | null
    expires_at: string | null
    /** Seconds. */
    expires_in: number | null
    last_used_at: string | null
  }
  migrations: {
    version: number
    applied_at: string
  }
}

export type TableNames = { readonly [Name in keyof Tables]: Name }

/** The real name of each table, typed as the name that Kysely knows. */
export function tableNames (prefix: string): TableNames {
  const named = <Name extends keyof Tables>(name: Name) => `${prefix}${name}` as Name
  return { users: named('users'), tokens: named('tokens'), migrations: named('migrations') }
}
