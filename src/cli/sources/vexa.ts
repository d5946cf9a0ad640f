import { sql, type Kysely } from 'kysely'
import type { ImportToken, ImportUser } from '../../schemas/import.js'
import { isPlainObject } from '../../schemas/json-object.js'
import { isLegacyValue } from '../../services/token-value.js'
import { note, skipped, type SourceLine } from './source-line.js'
import { findTable, readOnly, readUsersAndTokens, type Row, type SourceTable } from './source-tables.js'
import { createTokenForms, mayBeGuessed, withOptions, type TokenForms } from './token-forms.js'
import { isEmail, placeholderEmail, toData, toKeptId, toName, toTime } from './values.js'

const userColumns = ['id!', 'email!', 'name', 'image_url', 'created_at', 'max_concurrent_bots', 'data']
const tokenColumns = ['id!', 'token!', 'user_id!', 'scopes', 'name', 'created_at', 'last_used_at', 'expires_at']

// The member of `data` in which `vexaCompatibility` of this package looks for the image of a user.
const imageName = 'vexa_image_url'

// The default of the option `maxDataSize`. In Vexa, `data` may be larger, because Vexa has no limit and keeps webhook
// deliveries in `data`.
const defaultDataSize = 16_384

const bareForm = /^[0-9A-Za-z]{40}$/
const prefixedForm = /^(vxa_(?:bot|browser|tx|user)_)([0-9A-Za-z]{32,})$/

/**
 * Reads the users and tokens of a Vexa database of version 0.2 or later. The tables of the older versions lack some of
 * the columns.
 *
 * @throws {SourceError} if the database does not have the tables of Vexa
 */
export function readVexa (db: Kysely<any>): AsyncGenerator<SourceLine> {
  const forms = createTokenForms()
  return withOptions(readOnly(db, async function * (trx) {
    const users = await findTable(trx, ['users'], userColumns)
    const tokens = await findTable(trx, ['api_tokens'], tokenColumns)
    let unscoped = 0
    for await (const row of readUsersAndTokens(trx, users, tokens, 'user_id')) {
      if ('user' in row) yield * userLines(row.user)
      else if ('orphan' in row) yield skipped(`api_tokens row ${row.orphan.id}`, 'The token belongs to no user.')
      else {
        yield * tokenLines(row.token, forms)
        if (scopesOf(row.token) === undefined) unscoped++
      }
    }
    if (unscoped > 0) yield note(undefined, `${unscoped} tokens have no scopes: they may do everything, as in Vexa.`)
    yield * lastIdLines(trx, [users, tokens])
  }), forms)
}

function * userLines (row: Row): Generator<SourceLine> {
  const record = `users row ${row.id}`
  const email = isEmail(row.email) ? row.email : placeholderEmail(`user-${row.id}`, 'vexa')
  if (email !== row.email) {
    yield note(record, `${JSON.stringify(row.email)} is no e-mail address: the user gets ${email}.`)
  }
  const bots = row.max_concurrent_bots ?? undefined
  if (bots < 0) yield note(record, `max_concurrent_bots is ${bots}: it becomes 0, which allows no bots either.`)
  const created = toTime(row.created_at) ?? undefined
  if (created === undefined) yield note(record, 'created_at is not known: it becomes the time of the import.')

  if (row.data !== undefined && !isPlainObject(row.data)) yield note(record, 'data is no JSON object, and is left out.')
  const image = row.image_url ? { [imageName]: row.image_url } : {}
  const data = toData({ ...toData(row.data), ...image })
  const size = Buffer.byteLength(JSON.stringify(data ?? {}))
  if (size > defaultDataSize) {
    yield note(record, `data has ${size} bytes: the option maxDataSize of the app must allow them.`)
  }
  if (!row.isExact) yield note(record, 'data has a number that JavaScript cannot represent: it is rounded.')

  const user: ImportUser = {
    ref: String(row.id),
    id: toKeptId('user', row.id),
    email,
    name: toName(row.name),
    max_concurrent_bots: bots === undefined ? undefined : Math.max(0, bots),
    data,
    created_at: created
  }
  yield { user, record }
}

function * tokenLines (row: Row, forms: TokenForms): Generator<SourceLine> {
  const record = `api_tokens row ${row.id}`
  const expires = toTime(row.expires_at)
  if (expires === null || !isLegacyValue(row.token)) {
    yield skipped(record, expires === null
      ? 'expires_at is no time from 1970 to 9999.'
      : 'The value is empty, or has characters that a header cannot carry.')
    return
  }
  addForm(forms, row.token)
  if (mayBeGuessed(row.token.replace(/^vxa_[a-z]+_/, ''))) {
    yield note(record, 'Somebody may have made up the value: it could be guessed from its hash. Rotate the token.')
  }
  const token: ImportToken = {
    user: String(row.user_id),
    id: toKeptId('token', row.id),
    value: row.token,
    name: toName(row.name),
    scopes: scopesOf(row),
    created_at: toTime(row.created_at) ?? undefined,
    expires_at: expires,
    last_used_at: toTime(row.last_used_at) ?? undefined
  }
  yield { token, record }
}

/** Returns the scopes of a token, or `undefined` if the token has no scopes. Vexa has scopes since version 0.10. */
function scopesOf ({ scopes }: Row): string[] | undefined {
  return scopes?.length > 0 ? [...new Set<string>(scopes)] : undefined
}

function addForm (forms: TokenForms, value: string): void {
  const [, prefix = '', random = ''] = prefixedForm.exec(value) ?? []
  if (prefix !== '') forms.add(prefix, '[0-9A-Za-z]', random.length)
  else if (bareForm.test(value)) forms.add('', '[0-9A-Za-z]', value.length)
  else forms.addOther(value)
}

/**
 * Yields a note if the table once had a higher id than it has now, because a new record must not get the id of a
 * deleted one.
 */
async function * lastIdLines (db: Kysely<any>, tables: SourceTable[]): AsyncGenerator<SourceLine> {
  for (const { name } of tables) {
    const { rows: [row] } = await sql<{ last: string | null, highest: string | null }>`
      select (select max(id) from ${sql.table(name)}) as highest,
        case when has_sequence_privilege(s.id, 'select') then pg_sequence_last_value(s.id) end as last
      from (select pg_get_serial_sequence(${name}, 'id')::regclass::oid as id) s`.execute(db)
    if (Number(row?.last) > Number(row?.highest)) {
      yield note(undefined, `The last id of ${name} was ${row?.last}. With --keep-ids, set the sequence of ids to it.`)
    }
  }
}
