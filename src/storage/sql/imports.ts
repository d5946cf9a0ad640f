import type { Kysely } from 'kysely'
import type {
  ImportBatch, ImportedToken, NewAuditRecord, PortableMethods, TokenRecord, TokenToImport, UserRecord, UserToImport
} from '../storage-adapter.js'
import { addEntries, type ChangedKeys } from './audit-trail.js'
import { insertRows, selectByKeys } from './batches.js'
import type { Values } from './compiled-queries.js'
import { readKey, toRowId } from './keys.js'
import type { QueryRunner } from './query-runner.js'
import type { Tables } from './tables.js'

type Imported<Stored> = { stored: Stored, created: boolean } | 'absent' | 'rejected' | 'new'

/**
 * An import of records of one kind. A unique text identifies each record: the address of a user, or the hash of a
 * token.
 */
interface Import<R extends { id?: string | undefined }, Stored> {
  table: 'users' | 'tokens'
  textOf: (record: R) => string
  /** Returns the stored records that have the same texts as the given records: a map from the text to the record. */
  findStored: (records: readonly R[]) => Promise<Map<string, Stored>>
  /** Returns the records that cannot be created because their user is absent. */
  findOrphans: (records: readonly R[]) => Promise<ReadonlySet<R>>
  toRow: (record: R) => Values
  /** Returns a map from the text of each created record to its key. Leaves out a record whose user is absent. */
  findKeys: (trx: Kysely<Tables>, records: readonly R[]) => Promise<Map<string, string>>
  changedKeys: (record: R, key: string) => ChangedKeys
  toStored: (record: R, key: string) => Stored
}

// An import is repeated if another call creates the same records, or deletes a user, between its look-ups and its
// insert.
const maxAttempts = 5

// The largest key that an import may give. The database later makes larger keys, which must remain below 2^53.
const largestKey = 10 ** 15

// This error undoes a transaction. The import then starts over, and throws this error only if the last attempt fails.
class DeletedMeanwhile extends Error {}

/** Creates the methods of KyselyStorage that import. */
export function createImports (runner: QueryRunner): Pick<PortableMethods, 'importUsers' | 'importTokens'> {
  const users = importOfUsers(runner)
  const tokens = importOfTokens(runner)
  return {
    async importUsers (batch, entry) {
      const outcomes = await importRecords(runner, users, batch, entry)
      return outcomes.map((outcome) =>
        typeof outcome === 'string' ? outcome as 'new' : { user: outcome.stored, created: outcome.created })
    },

    async importTokens (batch, entry) {
      const outcomes = await importRecords(runner, tokens, batch, entry)
      return outcomes.map((outcome): ImportedToken | 'absent' | 'rejected' | 'new' =>
        typeof outcome === 'string' ? outcome : { token: outcome.stored, created: outcome.created })
    }
  }
}

async function importRecords<R extends UserToImport | TokenToImport, Stored> (
  runner: QueryRunner,
  kind: Import<R, Stored>,
  { records, dryRun }: ImportBatch<R>,
  entry: NewAuditRecord | undefined,
  attempts = maxAttempts
): Promise<Array<Imported<Stored>>> {
  const { traits } = runner
  // The look-ups come before the transaction, because a transaction that has read may be unable to write. On SQLite,
  // such a transaction cannot wait for the write lock. On MariaDB, it cannot update the counter of entries after
  // another transaction has updated the counter.
  const stored = await kind.findStored(records)
  const others = records.filter((record) => !stored.has(kind.textOf(record)))
  const orphans = await kind.findOrphans(others)
  const rejected = await findRejected(runner, kind.table, others)
  const created = others.filter((record) => !orphans.has(record) && !rejected.has(record))
  let keys: Map<string, string> | undefined
  if (!dryRun && created.length > 0) {
    try {
      keys = await runner.transaction((trx) => createRecords(runner, kind, trx, created, entry))
    } catch (error) {
      const isRace = error instanceof DeletedMeanwhile || traits.isUniqueViolation(error) ||
        traits.isForeignKeyViolation(error)
      if (attempts === 1 || !isRace) throw error
      return importRecords(runner, kind, { records, dryRun }, entry, attempts - 1)
    }
  }
  return records.map((record) => {
    const text = kind.textOf(record)
    const found = stored.get(text)
    if (found !== undefined) return { stored: found, created: false }
    if (rejected.has(record)) return 'rejected'
    if (orphans.has(record)) return 'absent'
    const key = keys?.get(text)
    return key === undefined ? 'new' : { stored: kind.toStored(record, key), created: true }
  })
}

/** Creates records in a transaction. Returns a map from the text of each record to its key. */
async function createRecords<R extends UserToImport | TokenToImport> (
  runner: QueryRunner,
  kind: Import<R, unknown>,
  trx: Kysely<Tables>,
  records: readonly R[],
  entry: NewAuditRecord | undefined
): Promise<Map<string, string>> {
  const { names, traits } = runner
  const table = names[kind.table]
  const given = records.filter(({ id }) => id !== undefined)
    .map((record) => ({ ...kind.toRow(record), id: Number(record.id) }))
  const generated = records.filter(({ id }) => id === undefined).map(kind.toRow)
  if (given.length > 0) {
    const insert = () => insertRows(runner, trx, table, given)
    const last = Math.max(...given.map(({ id }) => id))
    await (traits.insertKeys === undefined ? insert() : traits.insertKeys(trx, table, last, insert))
  }
  await insertRows(runner, trx, table, generated)
  const keys = await kind.findKeys(trx, records)
  if (keys.size < records.length) throw new DeletedMeanwhile('Users of imported tokens were deleted during the import')
  if (entry !== undefined) {
    const changes = records.map((record) => kind.changedKeys(record, keys.get(kind.textOf(record)) as string))
    await addEntries(runner, trx, entry, changes)
  }
  return keys
}

/** Returns the records whose given key is malformed, larger than `largestKey`, or the key of another row. */
async function findRejected<R extends { id?: string | undefined }> (
  runner: QueryRunner, name: 'users' | 'tokens', records: readonly R[]
): Promise<ReadonlySet<R>> {
  const table = runner.names[name]
  const isKey = (id: string) => (toRowId(id) ?? Infinity) <= largestKey
  const given = records.filter(({ id }) => id !== undefined)
  const keys = given.map(({ id }) => id as string).filter(isKey).map(Number)
  const taken = await selectByKeys(runner, `findRejected ${name}`, keys, (keys) =>
    (runner.db as Kysely<any>).selectFrom(table).select('id').where('id', 'in', keys))
  const takenKeys = new Set(taken.map(({ id }) => readKey(id)))
  return new Set(given.filter(({ id }) => !isKey(id as string) || takenKeys.has(id as string)))
}

function importOfUsers (runner: QueryRunner): Import<UserToImport, UserRecord> {
  const { db, traits, names, rows } = runner
  const emailsOf = (records: readonly UserToImport[]) => records.map(({ email }) => email)
  return {
    table: 'users',
    textOf: ({ email }) => email,
    async findStored (records) {
      const found = await selectByKeys(runner, 'importUsers findStored', emailsOf(records), (emails) =>
        db.selectFrom(names.users).select(rows.userColumns).where('email', 'in', emails))
      return new Map(found.map((row) => [row.email, rows.toUserRecord(row)]))
    },
    findOrphans: async () => new Set(),
    toRow: (user) => ({ ...rows.newUser(user), disabled: traits.writeBoolean(user.disabled) }),
    async findKeys (trx, records) {
      const found = await selectByKeys(runner, 'importUsers findKeys', emailsOf(records), (emails) =>
        db.selectFrom(names.users).select(['id', 'email']).where('email', 'in', emails), trx)
      return new Map(found.map(({ id, email }) => [email, readKey(id)]))
    },
    changedKeys: (_user, key) => ({ user_id: key }),
    toStored: (user, key) => ({ ...rows.createdUser(key, user), disabled: user.disabled })
  }
}

function importOfTokens (runner: QueryRunner): Import<TokenToImport, TokenRecord> {
  const { db, traits, names, rows } = runner
  const hashesOf = (records: readonly TokenToImport[]) => records.map(({ hash }) => hash)
  return {
    table: 'tokens',
    textOf: ({ hash }) => hash.toString('latin1'),
    async findStored (records) {
      const found = await selectByKeys(runner, 'importTokens findStored', hashesOf(records), (hashes) =>
        db.selectFrom(`${names.tokens} as token`).select([...rows.tokenColumns, 'token.hash'])
          .where('token.hash', 'in', hashes))
      return new Map(found.map((row) => [rows.readHash(row.hash).toString('latin1'), rows.toTokenRecord(row)]))
    },
    async findOrphans (records) {
      const keys = new Set(records.map((record) => toRowId(record.user_id)).filter((key) => key !== undefined))
      const found = await selectByKeys(runner, 'importTokens findUsers', [...keys], (keys) =>
        db.selectFrom(names.users).select('id').where('id', 'in', keys))
      const known = new Set(found.map(({ id }) => readKey(id)))
      return new Set(records.filter((record) => !known.has(record.user_id)))
    },
    toRow: (token) => ({
      ...rows.newToken(token, Number(token.user_id)),
      last_used_at: token.last_used_at && traits.writeTime(token.last_used_at)
    }),
    async findKeys (trx, records) {
      const found = await selectByKeys(runner, 'importTokens findKeys', hashesOf(records), (hashes) =>
        db.selectFrom(`${names.tokens} as token`)
          // Leaves out tokens of a deleted user, which can exist if the database does not enforce foreign keys.
          .innerJoin(`${names.users} as user`, 'user.id', 'token.user_id')
          .select(['token.id', 'token.hash'])
          .where('token.hash', 'in', hashes), trx)
      return new Map(found.map(({ id, hash }) => [rows.readHash(hash).toString('latin1'), readKey(id)]))
    },
    changedKeys: (token, key) => ({ user_id: token.user_id, token_id: key }),
    toStored: ({ hash, id, ...token }, key) => ({ ...token, id: key })
  }
}
