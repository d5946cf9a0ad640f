import { sql, type Insertable, type Selectable } from 'kysely'
import { normalizeForSearch } from '../../normalize.js'
import type { ColumnType } from './dialects/dialect-traits.js'
import type { DialectTraits } from './dialects/index.js'
import { toInteger } from './integers.js'
import type { NewTokenRecord, NewUserRecord, TokenRecord, UserChanges, UserRecord } from '../storage-adapter.js'
import type { Tables } from './tables.js'

type UserRow = Omit<Selectable<Tables['users']>, 'searchable_name'>
type UserColumns = Omit<UserRow, 'id' | 'name' | 'created_at'>
type TokenRow = Omit<Selectable<Tables['tokens']>, 'hash'>
/** A token joined with its user, whose key is `user_id`. */
export type TokenWithUserRow = TokenRow & UserColumns & {
  user_name: string | null
  user_created_at: unknown
  hash_length: unknown
}

/** Converts a key to its integer. Returns `undefined` unless it is 1 to 2^53 - 1 without leading zeros. */
export function toRowId (id: string): number | undefined {
  if (!/^[1-9]\d{0,15}$/.test(id)) return undefined
  const key = Number(id)
  return Number.isSafeInteger(key) ? key : undefined
}

/**
 * Returns the key of a row as text. A driver may return the key as a number, text or bigint.
 *
 * @throws {Error} if the key is not an integer from 1 to 2^53 - 1
 */
export function readKey (value: unknown): string {
  const key = String(value)
  if (toRowId(key) === undefined) {
    throw new Error(`The database gave a row the key ${key}, which is not an integer from 1 to 2^53 - 1`)
  }
  return key
}

export type Rows = ReturnType<typeof createRows>

/**
 * Creates the functions that turn records into rows of a database, and rows into records.
 *
 * They write each member by name, because a caller may pass a record with more members, such as a UserRecord.
 */
export function createRows (traits: DialectTraits) {
  const { boolean, json, time } = traits.selection
  const readTime = (time: unknown) => time === null ? null : traits.readTime(time)
  const readBoolean = (value: unknown) => {
    const integer = toInteger(value)
    if (integer !== 0 && integer !== 1) throw new Error('The database returned a boolean that is neither 0 nor 1')
    return integer === 1
  }
  const writeTime = (time: string | null) => time === null ? null : traits.writeTime(time)

  function toUserRecord (row: UserRow): UserRecord {
    return userRecord(row.id, row.name, row.created_at, row)
  }

  // Three members are parameters, because a joined row has them under other names.
  function userRecord (id: unknown, name: string | null, createdAt: unknown, row: UserColumns): UserRecord {
    return {
      id: readKey(id),
      email: row.email,
      name,
      max_concurrent_bots: toInteger(row.max_concurrent_bots),
      disabled: readBoolean(row.disabled),
      data: fromJson(row.data),
      revision: toInteger(row.revision),
      created_at: traits.readTime(createdAt)
    }
  }

  function toTokenRecord (row: TokenRow): TokenRecord {
    return {
      id: readKey(row.id),
      user_id: readKey(row.user_id),
      name: row.name,
      scopes: fromJson(row.scopes),
      expires_at: readTime(row.expires_at),
      expires_in: row.expires_in === null ? null : toInteger(row.expires_in),
      last_used_at: readTime(row.last_used_at),
      created_at: traits.readTime(row.created_at)
    }
  }

  return {
    /** Converts a value of this type to a query parameter. */
    write (type: ColumnType, value: unknown): unknown {
      if (value === null) return null
      if (type === 'json') return toJson(value)
      if (type === 'time') return traits.writeTime(value as string)
      return type === 'boolean' ? traits.writeBoolean(value as boolean) : value
    },

    /** Converts a value from the driver to a value of this type. */
    read (type: ColumnType, value: unknown): unknown {
      if (value === null) return null
      if (type === 'key' || type === 'integer') return toInteger(value)
      if (type === 'json') return fromJson(value)
      if (type === 'time') return traits.readTime(value)
      return type === 'boolean' ? readBoolean(value) : value
    },

    userColumns: [
      'id', 'email', 'name', 'max_concurrent_bots', 'revision',
      boolean('disabled').as('disabled'), json('data').as('data'), time('created_at').as('created_at')
    ] as const,

    tokenColumns: [
      'id', 'user_id', 'name', 'expires_in', json('scopes').as('scopes'),
      time('expires_at').as('expires_at'), time('last_used_at').as('last_used_at'),
      time('created_at').as('created_at')
    ] as const,

    tokenWithUserColumns: [
      'token.id', 'token.user_id', 'token.name', 'token.expires_in', json('token.scopes').as('scopes'),
      time('token.expires_at').as('expires_at'), time('token.last_used_at').as('last_used_at'),
      time('token.created_at').as('created_at'),
      'user.email', 'user.name as user_name', 'user.max_concurrent_bots', 'user.revision',
      boolean('user.disabled').as('disabled'), json('user.data').as('data'),
      time('user.created_at').as('user_created_at'),
      sql`length(${sql.ref('token.hash')})`.as('hash_length')
    ] as const,

    toUserRecord,

    toTokenRecord,

    toTokenWithUser (row: TokenWithUserRow): { token: TokenRecord, user: UserRecord } {
      // Some drivers shorten bytes. A shortened hash must not match, because many token values share it.
      if (toInteger(row.hash_length) !== 32) throw new Error('The database holds a hash that is not 32 bytes long')
      return {
        token: toTokenRecord(row),
        user: userRecord(row.user_id, row.user_name, row.user_created_at, row)
      }
    },

    createdUser: (id: string, user: NewUserRecord): UserRecord => ({ ...user, id, disabled: false, revision: 0 }),

    createdToken (id: string, { hash, ...token }: NewTokenRecord): TokenRecord {
      return { ...token, id, last_used_at: null }
    },

    newUser: (user: NewUserRecord) => ({
      email: user.email,
      name: user.name,
      searchable_name: searchableName(user.name),
      max_concurrent_bots: user.max_concurrent_bots,
      data: toJson(user.data),
      created_at: traits.writeTime(user.created_at)
    } satisfies Insertable<Tables['users']>),

    /** Keeps members that are `undefined`, so that their columns stay unchanged. */
    userChanges: ({ name, disabled, data, ...rest }: UserChanges) => ({
      email: rest.email,
      name,
      searchable_name: name === undefined ? undefined : searchableName(name),
      max_concurrent_bots: rest.max_concurrent_bots,
      disabled: disabled === undefined ? undefined : traits.writeBoolean(disabled),
      data: data === undefined ? undefined : traits.writeJson(toJson(data))
    }),

    newToken: (token: NewTokenRecord, userKey: number) => ({
      user_id: userKey,
      hash: token.hash,
      name: token.name,
      scopes: toJson(token.scopes),
      expires_at: writeTime(token.expires_at),
      expires_in: token.expires_in,
      created_at: traits.writeTime(token.created_at)
    } satisfies Insertable<Tables['tokens']>)
  }
}

function toJson (value: unknown): string | null {
  return value === null ? null : JSON.stringify(value)
}

function fromJson<T> (text: unknown): T | null {
  if (text === null) return null
  const value = typeof text === 'string' ? JSON.parse(text) : null
  // The storage never writes JSON null. In `scopes`, null would allow everything.
  if (value === null) throw new Error('The database returned a value that is not JSON text')
  return value
}

function searchableName (name: string | null): string | null {
  return name === null ? null : normalizeForSearch(name)
}
