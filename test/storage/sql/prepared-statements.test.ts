import { createHash } from 'node:crypto'
import { PostgresDialect } from 'kysely'
import pg from 'pg'
import t from 'tap'
import { KyselyStorage, withPreparedStatements } from '../../../src/index.js'
import { emptyPlace, postgresUrl, tablePrefixAt, unavailable } from '../../support/databases.js'

const onPostgres = { skip: await unavailable('postgres') }

const nameOf = (text: string) => `vexa_admin_${createHash('sha256').update(text).digest('hex').slice(0, 32)}_0`

/** A client that records its queries. */
class Recorder {
  readonly asked: unknown[][] = []

  query (...parameters: unknown[]) {
    this.asked.push(parameters)
    return 'result'
  }
}

t.test('withPreparedStatements: names each SQL text with parameters once', async (t) => {
  const Client = withPreparedStatements(Recorder)
  const [one, other] = [new Client(), new Client()]
  t.equal(one.query('select $1', [1]), 'result')
  other.query('select $1', [2])
  one.query('select $1, $2', [1, 2])
  t.same(one.asked, [
    [{ name: nameOf('select $1'), text: 'select $1', values: [1] }],
    [{ name: nameOf('select $1, $2'), text: 'select $1, $2', values: [1, 2] }]
  ])
  t.same(other.asked, [[{ name: nameOf('select $1'), text: 'select $1', values: [2] }]])
})

t.test('withPreparedStatements: a name stands for the same SQL text in each process', async (t) => {
  const [one, other] = [new (withPreparedStatements(Recorder))(), new (withPreparedStatements(Recorder))()]
  for (const text of ['select $1', 'select 1 + $1']) one.query(text, [1])
  for (const text of ['select 1 + $1', 'select $1']) other.query(text, [1])
  t.same(one.asked, other.asked.toReversed())
})

t.test('withPreparedStatements: passes other queries on unchanged', async (t) => {
  const client = new (withPreparedStatements(Recorder))()
  const callback = () => {}
  const asked = [['begin'], ['begin', []], [{ text: 'select $1', values: [1] }], ['select 1', callback]]
  for (const parameters of asked) client.query(...parameters)
  t.same(client.asked, [
    ['begin', undefined], ['begin', []], [{ text: 'select $1', values: [1] }, undefined], ['select 1', callback]
  ])
  client.query('select $1', [1], callback)
  t.same(client.asked.at(-1), [{ name: nameOf('select $1'), text: 'select $1', values: [1] }, callback])
})

t.test('withPreparedStatements: names at most 200 statements', async (t) => {
  const client = new (withPreparedStatements(Recorder))()
  for (let n = 0; n < 300; n++) client.query(`select $1, ${n}`, [n])
  client.query('select $1, 0', [0])
  t.equal(client.asked.filter(([first]) => typeof first === 'object').length, 201)
})

t.test('PostgreSQL: prepares each statement of the storage once', onPostgres, async (t) => {
  const pool = new pg.Pool({ connectionString: postgresUrl, max: 1, Client: withPreparedStatements(pg.Client) })
  const prefix = tablePrefixAt(emptyPlace(t, 'postgres'))
  const storage = new KyselyStorage({ dialect: new PostgresDialect({ pool }), tablePrefix: prefix })
  await storage.open()
  t.teardown(() => storage.close())
  const user = await storage.createUser({
    email: 'a@b', name: null, max_concurrent_bots: 3, data: { a: 1 }, created_at: '2024-01-01T12:00:00.000Z'
  })
  if (user === 'taken') throw new Error('taken')
  const hash = Buffer.alloc(32, 1)
  const token = await storage.createToken({
    user_id: user.id,
    hash,
    name: null,
    scopes: ['a'],
    expires_at: null,
    expires_in: null,
    disabled: false,
    data: null,
    start: null,
    created_at: '2024-01-01T12:00:00.000Z'
  })
  for (let n = 0; n < 20; n++) t.same(await storage.findTokenByHash(hash), { token, user })
  for (let n = 1; n < 100; n++) {
    await storage.touchTokens(Array.from({ length: n }, (_, i) => String(i + 100)), '2024-01-01T12:00:00.000Z')
  }

  const { rows } = await pool.query(
    "select statement from pg_prepared_statements where statement like '%' || $1 || '%'", [prefix]
  )
  t.equal(rows.filter(({ statement }) => statement.startsWith('select "token"')).length, 1)
  t.equal(rows.filter(({ statement }) => statement.includes('last_used_at" = ')).length, 8, 'lists of 1, 2, 4 … 128')
})

t.test('PostgreSQL: prepares a statement again when its table has changed', onPostgres, async (t) => {
  const Client = withPreparedStatements(pg.Client)
  const client = new Client({ connectionString: postgresUrl })
  await client.connect()
  t.teardown(() => client.end())
  await client.query('create temporary table changing (id integer)')
  const ask = () => client.query('select * from changing where id >= $1', [0])
  await client.query('insert into changing values (1)')
  t.same((await ask()).rows, [{ id: 1 }])
  await client.query('alter table changing add column name text')
  await t.rejects(ask(), { code: '0A000' } as object as Error)
  t.same((await ask()).rows, [{ id: 1, name: null }])
  await client.query('deallocate all')
  await t.rejects(ask(), { code: '26000' } as object as Error)
  t.same((await ask()).rows, [{ id: 1, name: null }])
})
