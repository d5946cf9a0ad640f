import { sql, type Kysely } from 'kysely'
import type { ImportToken, ImportUser } from '../../schemas/import.js'
import { isLegacyValue } from '../../services/token-value.js'
import { limitNotes, toScopes, type LimitCounts } from './permissions.js'
import { note, skipped, type SourceLine } from './source-line.js'
import { findTable, readOnly, readUsersAndTokens, textOf, type Row, type SourceTable } from './source-tables.js'
import { createTokenForms, withOptions, type TokenForms } from './token-forms.js'
import { isEmail, isFalse, isTrue, placeholderEmail, readJson, toData, toKeptId, toName, toTime } from './values.js'

const userColumns = ['id!', 'email!', 'name', 'createdAt', 'banned', 'banExpires']
const keyTables = ['apikey', 'apikeys']
const keyColumns = [
  'id!', 'key!', 'name', 'start', 'prefix', 'enabled', 'remaining', 'refillAmount', 'rateLimitEnabled', 'lastRequest',
  'expiresAt', 'createdAt', 'permissions', 'metadata'
]

// The length of a key without its prefix. An app of better-auth may have other lengths, if it sets `defaultKeyLength`
// or makes its own keys.
const defaultLength = 64

/**
 * Reads the users and API keys of better-auth. The keys may come from its built-in plugin. They may also come from the
 * package `@better-auth/api-key`, which has replaced this plugin.
 *
 * @throws {SourceError} if the database has no table of users or of keys
 */
export function readBetterAuth (db: Kysely<any>): AsyncGenerator<SourceLine> {
  const forms = createTokenForms()
  return withOptions(readOnly(db, async function * (trx) {
    const users = await findTable(trx, ['user', 'users'], userColumns)
    const keys = await findKeys(trx)
    const usesPermissions = await hasPermissions(trx, keys)
    const counts: LimitCounts = { withoutPermission: 0, rateLimited: 0 }
    for await (const row of readUsersAndTokens(trx, users, keys, 'owner')) {
      if ('user' in row) yield * userLines(row.user)
      else if ('token' in row) yield * keyLines(row.token, usesPermissions, forms, counts)
      else yield skipped(`apikey ${row.orphan.id}`, 'The key belongs to no user. It may belong to an organization.')
    }
    yield * limitNotes(counts)
    for (const { name, others } of [users, keys]) {
      if (others.length > 0) yield note(undefined, `These columns of ${name} are not imported: ${others.join(', ')}.`)
    }
  }), forms)
}

/**
 * Finds the table of keys. The column with the id of the owner is `referenceId` or `userId`, which depends on the
 * version.
 */
async function findKeys (db: Kysely<any>): Promise<SourceTable> {
  const table = await findTable(db, keyTables, [...keyColumns, 'referenceId', 'userId'])
  const owner = table.columns.get('referenceId') ?? table.columns.get('userId')
  if (owner === undefined) return findTable(db, keyTables, ['referenceId!'])
  return { ...table, columns: new Map([...table.columns, ['owner', owner]]) }
}

async function hasPermissions (db: Kysely<any>, keys: SourceTable): Promise<boolean> {
  if (!keys.columns.has('permissions')) return false
  const { rows } = await sql`select 1 as one from ${sql.table(keys.name)}
    where ${textOf(db, keys, 'permissions')} not in ('', 'null') limit 1`.execute(db)
  return rows.length > 0
}

function * userLines (row: Row): Generator<SourceLine> {
  const record = `user ${row.id}`
  const email = isEmail(row.email) ? row.email : placeholderEmail(String(row.id), 'better-auth')
  if (email !== row.email) {
    yield note(record, `${JSON.stringify(row.email)} is no e-mail address: the user gets ${email}.`)
  }
  const banEnds = toTime(row.banExpires)
  const isBanned = isTrue(row.banned) && !(banEnds && Date.parse(banEnds) <= Date.now())
  if (isBanned) {
    yield note(record, 'The user is banned, and becomes disabled.' + (banEnds ? ` The ban ends at ${banEnds}.` : ''))
  }
  const user: ImportUser = {
    ref: String(row.id),
    id: toKeptId('user', row.id),
    email,
    name: toName(row.name),
    disabled: isBanned || undefined,
    created_at: toTime(row.createdAt) ?? undefined
  }
  yield { user, record }
}

function * keyLines (
  row: Row, usesPermissions: boolean, forms: TokenForms, counts: LimitCounts
): Generator<SourceLine> {
  const record = `apikey ${row.id}`
  const expires = toTime(row.expiresAt)
  const secret = readSecret(row)
  if (expires === null || secret === undefined) {
    yield skipped(record, secret === undefined
      ? 'The column key has neither a SHA-256 nor the value of a key.'
      : 'expiresAt is no time from 1970 to 9999.')
    return
  }
  addForm(forms, row.prefix ?? '', secret.value)
  const permissions = readJson(row.permissions)
  if (!permissions.isExact) yield note(record, `permissions ${inexact}`)
  const { scopes, invalid } = toScopes(namesOf(permissions.value), usesPermissions, counts)
  if (invalid.length > 0) yield note(record, `These permissions cannot be scopes: ${invalid.join(', ')}.`)
  const metadata = readJson(row.metadata)
  if (!metadata.isExact) yield note(record, `metadata ${inexact}`)
  const isUsedUp = row.remaining === 0 && !(row.refillAmount > 0)
  if (isUsedUp) yield note(record, 'The key has no remaining uses, so the token becomes disabled.')
  else if (typeof row.remaining === 'number') yield note(record, 'The number of uses of the key is no longer limited.')
  if (isTrue(row.rateLimitEnabled)) counts.rateLimited++

  const token: ImportToken = {
    user: String(row.owner),
    id: toKeptId('token', row.id),
    ...secret,
    name: toName(row.name),
    scopes,
    start: toName(row.start),
    data: toData(metadata.value),
    disabled: isUsedUp || isFalse(row.enabled) || undefined,
    created_at: toTime(row.createdAt) ?? undefined,
    expires_at: expires,
    last_used_at: toTime(row.lastRequest) ?? undefined
  }
  yield { token, record }
}

const inexact = 'is no JSON, or has a number that JavaScript cannot represent.'

/**
 * Returns the hash or the value of a key, or `undefined` if the row has neither. With `disableKeyHashing`, better-auth
 * stores values.
 */
function readSecret ({ key, start }: Row): Pick<ImportToken, 'sha256' | 'value'> | undefined {
  const isValue = isLegacyValue(key) && key.startsWith(start ?? '')
  // 43 characters of base64url have two bits more than 32 bytes. In the last character, these two bits are zero.
  if (/^[\w-]{42}[AEIMQUYcgkosw048]$/.test(key) && !(start && isValue)) return { sha256: key }
  return isValue ? { value: key } : undefined
}

function addForm (forms: TokenForms, prefix: string, value: string | undefined): void {
  const random = value?.slice(prefix.length)
  if (value === undefined) forms.add(prefix, '[A-Za-z]', defaultLength)
  else if (value.startsWith(prefix) && /^[A-Za-z]+$/.test(random as string)) {
    forms.add(prefix, '[A-Za-z]', (random as string).length)
  } else forms.addOther(value)
}

/**
 * Returns the names of permissions, such as `files:read`. better-auth stores an object with the actions of each
 * resource.
 */
function namesOf (permissions: unknown): string[] {
  return Object.entries(toData(permissions) ?? {}).flatMap(([resource, actions]) =>
    Array.isArray(actions) ? actions.map((action) => `${resource}:${action}`) : [])
}
