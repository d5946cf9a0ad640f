import type { Selectable } from 'kysely'
import { searchable } from '../text.js'
import type { TokenRecord, UserRecord } from './storage-adapter.js'
import type { Tables } from './tables.js'

export const userColumns = ['id', 'email', 'name', 'max_concurrent_bots', 'disabled', 'data', 'revision', 'created_at'] as const
export const tokenColumns = ['id', 'user_id', 'name', 'scopes', 'expires_at', 'expires_in', 'last_used_at', 'created_at'] as const

export type UserRow = Pick<Tables['users'], typeof userColumns[number]>
export type TokenRow = Pick<Tables['tokens'], typeof tokenColumns[number]>

/** The integer key that is written like this, in its one way of writing it; `undefined` for anything else. */
export function toRowId (id: string): number | undefined {
  if (!/^[1-9]\d{0,15}$/.test(id)) return undefined
  const key = Number(id)
  return Number.isSafeInteger(key) ? key : undefined
}

export function toUserRecord (row: Selectable<UserRow>): UserRecord {
  return {
    id: String(row.id),
    email: row.email,
    name: row.name,
    max_concurrent_bots: row.max_concurrent_bots,
    disabled: row.disabled !== 0,
    data: fromJson(row.data),
    revision: row.revision,
    created_at: row.created_at
  }
}

export function toTokenRecord (row: Selectable<TokenRow>): TokenRecord {
  return {
    id: String(row.id),
    user_id: String(row.user_id),
    name: row.name,
    scopes: fromJson(row.scopes),
    expires_at: row.expires_at,
    expires_in: row.expires_in,
    last_used_at: row.last_used_at,
    created_at: row.created_at
  }
}

export function toJson (value: object | null): string | null {
  return value === null ? null : JSON.stringify(value)
}

function fromJson<T> (text: string | null): T | null {
  return text === null ? null : JSON.parse(text)
}

export function searchableName (name: string | null): string | null {
  return name === null ? null : searchable(name)
}
