import { sql, type Insertable, type Selectable } from 'kysely'
import { normalizeForSearch } from '../../normalize.js'
import type { ColumnType } from './dialects/dialect-traits.js'
import type { DialectTraits } from './dialects/index.js'
import { toInteger } from './integers.js'
import { readKey } from './keys.js'
import type {
  ListedToken, NewTokenRecord, NewUserRecord, TokenChanges, TokenRecord, TokenWithUser, UserChanges, UserRecord
} from '../storage-adapter.js'
import type { Tables } from './tables.js'

type UserRow = Omit<Selectable<Tables['users']>, 'searchable_name'>
type TokenRow = Omit<Selectable<Tables['tokens']>, 'hash' | 'searchable_name' | 'successor_id'>
/** A token, with the members of its user that lists of tokens show. The key of the user is `user_id`. */
type ListedTokenRow = TokenRow & Pick<UserRow, 'email'> & { user_name: string | null }
/** A token joined with its user. */
export type TokenWithUserRow = ListedTokenRow & Pick<UserRow, 'max_concurrent_bots' | 'revision'> & {
  user_disabled: unknown
  user_data: unknown
  user_created_at: unknown
  hash_length: unknown
}

export type Rows = ReturnType<typeof createRows>

/**
 * Creates the functions that turn records into rows of a database, and rows into records.
 *
 * The functions write each member by name, because a caller may pass a record with more members than the row has. For
 * example, a UserRecord is also a NewUserRecord.
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

  function readHash (value: unknown): Buffer {
    // Some drivers shorten bytes. A shortened hash must not match, because the hashes of many values begin with it.
    if (!(value instanceof Uint8Array) || value.length !== 32) {
      throw new Error('The database returned a hash that is not 32 bytes long')
    }
    return Buffer.from(value)
  }

  function toUserRecord (row: UserRow): UserRecord {
    return {
      id: readKey(row.id),
      email: row.email,
      name: row.name,
      max_concurrent_bots: toInteger(row.max_concurrent_bots),
      disabled: readBoolean(row.disabled),
      data: fromJson(row.data),
      revision: toInteger(row.revision),
      created_at: traits.readTime(row.created_at)
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
      disabled: readBoolean(row.disabled),
      data: fromJson(row.data),
      start: row.start,
      last_used_at: readTime(row.last_used_at),
      created_at: traits.readTime(row.created_at)
    }
  }

  const tokenColumns = [
    'token.id', 'token.user_id', 'token.name', 'token.expires_in', 'token.start',
    json('token.scopes').as('scopes'), json('token.data').as('data'), boolean('token.disabled').as('disabled'),
    time('token.expires_at').as('expires_at'), time('token.last_used_at').as('last_used_at'),
    time('token.created_at').as('created_at')
  ] as const

  return {
    /** Converts a value for a column of this type to a query parameter. */
    write (type: ColumnType, value: unknown): unknown {
      if (value === null) return null
      if (type === 'json') return toJson(value)
      if (type === 'time') return traits.writeTime(value as string)
      return type === 'boolean' ? traits.writeBoolean(value as boolean) : value
    },

    /** Converts a value that the driver returned for a column of this type. */
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

    tokenColumns,

    listedTokenColumns: [...tokenColumns, 'user.email', 'user.name as user_name'] as const,

    tokenWithUserColumns: [
      ...tokenColumns, 'user.email', 'user.name as user_name', 'user.max_concurrent_bots', 'user.revision',
      boolean('user.disabled').as('user_disabled'), json('user.data').as('user_data'),
      time('user.created_at').as('user_created_at'),
      sql`length(${sql.ref('token.hash')})`.as('hash_length')
    ] as const,

    toUserRecord,

    toTokenRecord,

    readHash,

    toListedToken (row: ListedTokenRow): ListedToken {
      const token = toTokenRecord(row)
      return { token, user: { id: token.user_id, email: row.email, name: row.user_name } }
    },

    toTokenWithUser (row: TokenWithUserRow): TokenWithUser {
      // Some drivers shorten bytes. A shortened hash must not match, because the hashes of many values begin with it.
      if (toInteger(row.hash_length) !== 32) throw new Error('The database holds a hash that is not 32 bytes long')
      const token = toTokenRecord(row)
      const user: UserRecord = {
        id: token.user_id,
        email: row.email,
        name: row.user_name,
        max_concurrent_bots: toInteger(row.max_concurrent_bots),
        disabled: readBoolean(row.user_disabled),
        data: fromJson(row.user_data),
        revision: toInteger(row.revision),
        created_at: traits.readTime(row.user_created_at)
      }
      return { token, user }
    },

    createdUser: (id: string, user: NewUserRecord): UserRecord => ({ ...user, id, disabled: false, revision: 0 }),

    createdToken (id: string, { hash, ...token }: NewTokenRecord): TokenRecord {
      return { ...token, id, last_used_at: null }
    },

    changedToken: (token: TokenRecord, {
      name = token.name, scopes = token.scopes, expires_at: expiresAt = token.expires_at,
      expires_in: expiresIn = token.expires_in, disabled = token.disabled, data = token.data
    }: TokenChanges): TokenRecord => (
      { ...token, name, scopes, expires_at: expiresAt, expires_in: expiresIn, disabled, data }
    ),

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
      searchable_name: searchableName(token.name),
      scopes: toJson(token.scopes),
      expires_at: writeTime(token.expires_at),
      expires_in: token.expires_in,
      disabled: traits.writeBoolean(token.disabled),
      data: toJson(token.data),
      start: token.start,
      created_at: traits.writeTime(token.created_at)
    } satisfies Insertable<Tables['tokens']>),

    /** Keeps members that are `undefined`, like `userChanges`. */
    tokenChanges: (changes: TokenChanges) => ({
      name: changes.name,
      searchable_name: changes.name === undefined ? undefined : searchableName(changes.name),
      scopes: changes.scopes === undefined ? undefined : traits.writeJson(toJson(changes.scopes)),
      expires_at: changes.expires_at === undefined ? undefined : writeTime(changes.expires_at),
      expires_in: changes.expires_in,
      disabled: changes.disabled === undefined ? undefined : traits.writeBoolean(changes.disabled),
      data: changes.data === undefined ? undefined : traits.writeJson(toJson(changes.data))
    })
  }
}

function toJson (value: unknown): string | null {
  return value === null ? null : JSON.stringify(value)
}

function fromJson<T> (text: unknown): T | null {
  if (text === null) return null
  const value = typeof text === 'string' ? JSON.parse(text) : null
  // The storage never writes the JSON text `null`. In `scopes`, this text would allow the token to do everything.
  if (value === null) throw new Error('The database returned a value that is not JSON text')
  return value
}

function searchableName (name: string | null): string | null {
  return name === null ? null : normalizeForSearch(name)
}
