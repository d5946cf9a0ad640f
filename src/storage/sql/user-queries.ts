import { sql, type ExpressionBuilder, type Kysely } from 'kysely'
import type { StorageAdapter, UserRecord } from '../storage-adapter.js'
import { addEntry, audited, auditedInsert } from './audit-trail.js'
import { toInteger } from './integers.js'
import { toRowId } from './keys.js'
import type { QueryRunner } from './query-runner.js'
import type { Tables } from './tables.js'
import { unlessReferenced, unlessTaken } from './violations.js'

const one = sql.lit(1)
// The letter ς becomes σ, as in `normalizeForSearch`. The values of the column `searchable_name` are already
// normalised.
const searchableEmail = sql<string>`replace(${sql.ref('email')}, ${sql.lit('\u03C2')}, ${sql.lit('\u03C3')})`

type UserMethods =
  'createUser' | 'findUser' | 'findUserByEmail' | 'listUsers' | 'countUsers' | 'updateUser' | 'deleteUser'

// This error undoes a transaction. `deleteUser` catches it.
const stale = new Error('The user is absent, or has another revision')

/** Creates the methods of KyselyStorage for users. */
export function createUserQueries (runner: QueryRunner): Pick<StorageAdapter, UserMethods> {
  const { db, traits, names, rows, queries } = runner

  const contains = (search: string) => ({ or }: ExpressionBuilder<Tables, 'users'>) =>
    or([traits.contains(searchableEmail, search), traits.contains(sql.ref('searchable_name'), search)])

  async function findUserByEmail (email: string): Promise<UserRecord | undefined> {
    const query = queries.get('findUserByEmail', { email }, (value) => db.selectFrom(names.users)
      .select(rows.userColumns)
      .where('email', '=', value('email'))
      .limit(one))
    const row = await runner.executeTakeFirst(query)
    return row && rows.toUserRecord(row)
  }

  return {
    async createUser (user, entry) {
      const values = rows.newUser(user)
      const build = (written: typeof values) => {
        const insert = db.insertInto(names.users).values(written)
        return traits.onConflictDoNothing
          ? insert.onConflict((conflict) => conflict.column('email').doNothing())
          : insert
      }
      const write = async () => {
        const id = await auditedInsert(runner, 'createUser', values, build, entry, { user_id: 'id' })
        return id === undefined ? undefined : rows.createdUser(id, user)
      }
      return await unlessTaken(write, {
        // With `on conflict do nothing`, a taken address is no error. A unique violation is then about another column.
        isViolation: (error) => !traits.onConflictDoNothing && traits.isUniqueViolation(error),
        isTaken: async () => await findUserByEmail(user.email) !== undefined
      })
    },

    async findUser (id) {
      const key = toRowId(id)
      return key === undefined ? undefined : await findUserByKey(runner, key)
    },

    findUserByEmail,

    async listUsers ({ order, after, skip, limit, search, disabled }) {
      const key = after === undefined ? undefined : toRowId(after)
      if (after !== undefined && key === undefined) return []
      const given = Object.entries({ after, search, disabled }).filter(([, value]) => value !== undefined)
      const name = `listUsers ${order} ${given.map(([name]) => name).join(' ')}`
      const flag = traits.writeBoolean(disabled === true)
      const values = { key: key as number, skip, limit, search: search as string, flag }
      const listing = queries.get(name, values, (value) => {
        let query = db.selectFrom(names.users)
          .select(rows.userColumns)
          .orderBy('id', order)
          .limit(value('limit'))
          .offset(value('skip'))
        if (key !== undefined) query = query.where('id', order === 'asc' ? '>' : '<', value('key'))
        if (search !== undefined) query = query.where(contains(value('search')))
        if (disabled !== undefined) query = query.where('disabled', '=', value('flag') as boolean)
        return query
      })
      const { rows: found } = await runner.execute(listing)
      return found.map(rows.toUserRecord)
    },

    async countUsers ({ search, disabled } = {}) {
      let query = db.selectFrom(names.users).select(({ fn }) => fn.countAll().as('count'))
      if (search !== undefined) query = query.where(contains(search))
      if (disabled !== undefined) query = query.where('disabled', '=', traits.writeBoolean(disabled) as boolean)
      const row = await runner.executeTakeFirst(query.compile())
      return toInteger(row?.count)
    },

    async updateUser (id, changes, revision, entry) {
      const key = toRowId(id)
      if (key === undefined) return 'absent'
      const updateIn = (db: Kysely<Tables>) => {
        const update = db.updateTable(names.users)
          // Kysely leaves out members that are undefined.
          .set(rows.userChanges(changes))
          .set(({ eb }) => ({ revision: eb('revision', '+', 1) }))
          .where('id', '=', key)
        return revision === undefined ? update : update.where('revision', '=', revision)
      }
      const write = async () => {
        const keysOf = (updated: UserRecord | undefined) => updated && { user_id: key }
        const updated = traits.supportsReturning
          ? await audited(runner, entry, async (db) => {
            const row = await updateIn(db).returning(rows.userColumns).executeTakeFirst()
            return row && rows.toUserRecord(row)
          }, keysOf)
          : await runner.transaction(async (trx) => {
            const { numUpdatedRows } = await updateIn(trx).executeTakeFirstOrThrow()
            if (numUpdatedRows === 0n) return undefined
            // The read comes last. MariaDB rejects an update of a row, such as the counter of entries, that has changed
            // since the first read of the transaction.
            await addEntry(runner, trx, entry, { user_id: key })
            return await findUserByKey(runner, key, trx)
          })
        return updated ?? 'absent'
      }
      return await unlessReferenced(traits, () => unlessTaken(write, {
        isViolation: (error) => changes.email !== undefined && traits.isUniqueViolation(error),
        isTaken: async () => {
          const other = await findUserByEmail(changes.email as string)
          return other !== undefined && other.id !== id
        }
      }))
    },

    async deleteUser (id, revision, entry) {
      const key = toRowId(id)
      if (key === undefined) return false
      const write = () => runner.transaction(async (trx) => {
        const revokeTokens = () => trx.deleteFrom(names.tokens).where('user_id', '=', key).execute()
        const deleteUser = () => {
          const query = trx.deleteFrom(names.users).where('id', '=', key)
          return (revision === undefined ? query : query.where('revision', '=', revision)).executeTakeFirstOrThrow()
        }
        // The foreign key alone is not enough: some connections of an app do not enforce foreign keys, and MySQL's
        // foreign key does not cascade.
        await revokeTokens()
        const { numDeletedRows } = await deleteUser().catch(async (error) => {
          if (traits.supportsCascade || !traits.isForeignKeyViolation(error)) throw error
          // A token may have been created after the first statement. The user is now locked, so no more can be created.
          await revokeTokens()
          return await deleteUser()
        })
        // The error undoes the revocation of the tokens. A check of the revision before the revocation would lock the
        // user before its tokens. A rotation locks a token before its user, so the two could deadlock.
        if (numDeletedRows === 0n && revision !== undefined) throw stale
        if (numDeletedRows > 0n) await addEntry(runner, trx, entry, { user_id: key })
        return numDeletedRows > 0n
      })
      return await unlessReferenced(traits, () => write().catch((error) => {
        if (error === stale) return false
        throw error
      }))
    }
  }
}

/** Returns the user with this key, or `undefined` if no user has it. Reads within `trx` if it is given. */
export async function findUserByKey (
  runner: QueryRunner,
  key: number,
  trx?: Kysely<Tables>
): Promise<UserRecord | undefined> {
  const { db, names, rows, queries } = runner
  const query = queries.get('findUser', { key }, (value) => db.selectFrom(names.users)
    .select(rows.userColumns)
    .where('id', '=', value('key'))
    .limit(one))
  const row = await runner.executeTakeFirst(query, trx)
  return row && rows.toUserRecord(row)
}
