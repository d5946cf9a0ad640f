// Imports from the sources into real storages, and asks the app which tokens it accepts.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance } from 'fastify'
import { sql } from 'kysely'
import t, { type Test } from 'tap'
import { readBetterAuth } from '../../../src/cli/sources/better-auth.js'
import { toImportLines } from '../../../src/cli/sources/import-lines.js'
import type { SourceLine } from '../../../src/cli/sources/source-line.js'
import { readUnkey } from '../../../src/cli/sources/unkey.js'
import { readVexa } from '../../../src/cli/sources/vexa.js'
import type { ImportIssue, ImportOptions } from '../../../src/index.js'
import { collect } from '../../support/collect-lines.js'
import { backDoor, databaseNames, emptyPlace, storageAt, unavailable } from '../../support/databases.js'
import { fence } from '../../support/fences.js'
import {
  bob, createBetterAuth, disabledKey, emptyKey, fullKey, insertRows, jane, plainKey, realValues
} from '../../support/fixtures/better-auth.js'
import { build, call } from '../../support/helpers.js'
import { runStatements, sourceDatabase } from '../../support/source-database.js'

const sample = readFileSync(new URL('../../support/fixtures/vexa.sql', import.meta.url), 'utf8')

/** The values of all tokens of the sample, by their ids. */
const values = [...sample.matchAll(/^ {2}\((\d+), +'([\w-]+)', \d+, '\{/gm)]
  .map(([, id, value = '']) => ({ id: `token-${id}`, value }))

/** Starts an app that accepts the tokens of a source, and imports them. */
async function importFrom (
  t: Test, read: () => AsyncGenerator<SourceLine>, place = emptyPlace(t), options: ImportOptions = {}
) {
  const { scopes, legacyTokens } = await collect(read())
  const app = await build(t, {
    storage: storageAt(place),
    scopes,
    legacyTokens: legacyTokens.map((form) => new RegExp(form)),
    maxDataSize: 1024 * 1024
  })
  const issues: Array<ImportIssue & { record: string | undefined }> = []
  const { lines, recordOf } = toImportLines(read(), { note: () => {}, options: () => {} })
  const onIssue = (issue: ImportIssue) => { issues.push({ ...issue, record: recordOf(issue.line) }) }
  const result = await app.vexaAdmin.import(lines, { onIssue, ...options })
  return { app, result, issues }
}

/** Returns the id of the token with this value, or the code of its rejection. */
async function verify (app: FastifyInstance, value: string | undefined, scopes?: string[]): Promise<string> {
  const { valid, code, token } = (await call(app, 'POST', '/admin/tokens/verify', {
    payload: { token: value, ...scopes && { scopes } }
  })).json()
  return valid ? token.id : code
}

const withoutPostgres = await unavailable('postgres')

for (const database of databaseNames) {
  const skip = withoutPostgres || await unavailable(database)

  t.test(`Vexa: its tokens are accepted after an import into ${database}`, { skip }, async (t) => {
    const vexa = await sourceDatabase(t, 'postgres')
    await runStatements(vexa, sample)
    const place = emptyPlace(t, database)
    const { app, result, issues } = await importFrom(t, () => readVexa(vexa), place, { keepIds: true })
    t.match(result, {
      lines: 34,
      users: { created: 13, skipped: 1, rejected: 0 },
      tokens: { created: 20, rejected: 0 },
      invalid: 0
    })
    t.match(issues, [{ kind: 'conflict', record: 'users row 6' }])
    t.equal(issues.length, 1)

    const expired = ['token-11', 'token-23']
    for (const { id, value } of values) {
      t.equal(await verify(app, value), expired.includes(id) ? 'EXPIRED' : id, `${id} keeps its value and its id`)
    }

    const jane = (await call(app, 'GET', '/admin/users/user-3')).json()
    t.match(jane, {
      id: 'user-3',
      email: 'jane@acme.com',
      max_concurrent_bots: 2,
      created_at: '2025-05-16T12:30:00.000Z',
      data: { vexa_image_url: 'https://cdn.example.com/jane.png' },
      api_tokens: [
        { id: 'token-2', created_at: '2025-05-16T12:31:00.000Z', last_used_at: '2026-08-21T06:00:00.000Z' },
        { id: 'token-9', name: 'ci', scopes: ['bot', 'tx'] },
        { id: 'token-10', expires_at: '2027-04-05T10:00:01.000Z' }
      ]
    })
    const bob = (await call(app, 'GET', '/admin/users/email/bob@example.com')).json()
    t.match(bob, { id: 'user-5', name: 'Bob (first)' })
    t.same(bob.api_tokens.map(({ id }: { id: string }) => id), ['token-4', 'token-7', 'token-8'])
    t.equal((await call(app, 'GET', '/admin/users/user-6')).statusCode, 404)

    if (database === 'postgres') {
      const { db, prefix } = backDoor(t, place)
      const statement = fence('examples/README.md', 'set-last-id')
      await sql.raw(statement.replace('vexa_users', `${prefix}users`)).execute(db)
      const created = await call(app, 'POST', '/admin/users', { payload: { email: 'next@example.com' } })
      t.equal(created.json().id, 'user-27', 'the ids of users whom Vexa has deleted stay unused')
    }
  })
}

t.test('Vexa: a second import changes nothing', { skip: withoutPostgres }, async (t) => {
  const vexa = await sourceDatabase(t, 'postgres')
  await runStatements(vexa, sample)
  const place = emptyPlace(t, 'sqlite')
  const first = await importFrom(t, () => readVexa(vexa), place)
  t.match(first.result, { users: { created: 13 }, tokens: { created: 20 } })
  const second = await importFrom(t, () => readVexa(vexa), place)
  t.match(second.result, { users: { created: 0, present: 13, skipped: 1 }, tokens: { created: 0, present: 20 } })
})

t.test('better-auth: its keys are accepted after an import, with their permissions', async (t) => {
  const db = await sourceDatabase(t, 'sqlite')
  await createBetterAuth(db, 'sqlite')
  await insertRows(db, 'sqlite', 'user', [jane, bob])
  await insertRows(db, 'sqlite', 'apikey', [plainKey, fullKey, emptyKey, disabledKey])
  const { app, result, issues } = await importFrom(t, () => readBetterAuth(db))
  t.match(result, { users: { created: 2 }, tokens: { created: 4 } })
  t.same(issues, [])
  for (const name of ['plain', 'full', 'empty permissions']) t.match(await verify(app, realValues[name]), /^token-/, name)
  t.equal(await verify(app, realValues.disabled), 'TOKEN_DISABLED')
  t.match(await verify(app, realValues.full, ['files:read']), /^token-/)
  t.equal(await verify(app, realValues.plain, ['files:read']), 'INSUFFICIENT_SCOPE')
})

t.test('Unkey: its keys are accepted after an import', async (t) => {
  const file = fileURLToPath(new URL('../../support/fixtures/unkey-keys.ndjson', import.meta.url))
  const { app, result, issues } = await importFrom(t, () => readUnkey(file))
  t.match(result, { users: { created: 4 }, tokens: { created: 7 } })
  t.same(issues, [])
  t.match(await verify(app, 'acme_live_KzDWtXayyUDQA69FRJJruC'), /^token-/)
  t.match(await verify(app, 'BmBoDr6o21norxnsyK4QcK'), /^token-/)
  t.equal(await verify(app, 'acme_live_HMdhtfc9fSXE3KbjH7H6Cc'), 'TOKEN_DISABLED')
})
