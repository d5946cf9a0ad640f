import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { PassThrough, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { Kysely, sql, SqliteDialect } from 'kysely'
import t from 'tap'
import { main } from '../../src/cli/main.js'
import { openVexaAdmin, sqliteStorage } from '../../src/index.js'
import { cliHome, createProcess } from '../support/cli.js'
import { postgresUrl, unavailable } from '../support/databases.js'
import {
  bob, createBetterAuth, fullKey, insertRows, jane, plainKey, realValues
} from '../support/fixtures/better-auth.js'
import { runStatements, sourceDatabase } from '../support/source-database.js'

const fixtures = fileURLToPath(new URL('../support/fixtures', import.meta.url))
const secret = 'the-value-of-a-token'

/** Returns NDJSON with these lines. An object is a line of JSON. */
function ndjson (...lines: Array<string | object>): string {
  return lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('')
}

const janeLine = { user: { ref: 'a', email: 'jane@example.com', name: 'Jane' } }
const tokenLine = { token: { user: 'a', value: secret, scopes: ['bot'] } }

t.test('import: takes the scopes of a file, and names each line that it rejects', async (t) => {
  const { cli, values, directory } = cliHome(t)
  const unclear = { token: { user: 'a', value: `${secret}-2`, scopes: ['two words', 7] } }
  writeFileSync(`${directory}/users.ndjson`, ndjson(janeLine, tokenLine, unclear, `{"value": "${secret}`))
  const result = await cli(['import', 'users.ndjson', '--actor', 'mover'])
  t.match(result, {
    exitCode: 1, stderr: /^Line 3: rejected: \/token\/scopes\/0 .*\nLine 4: rejected: The line is not JSON\n$/
  })
  t.equal(result.stdout, 'STATE\tcomplete\nLINES\t4\nUSERS\t1 created\nTOKENS\t1 created, 1 rejected\nINVALID\t1\n' +
    'LEFT OUT\t0\nOPTIONS\tscopes: ["bot"], legacyTokens: as in the app that accepted the tokens before\n')
  const trail = await values('audit')
  t.match(trail, [{ action: 'token.created', actor: 'mover' }, { action: 'user.created', actor: 'mover' }])

  const again = await cli(['import', 'users.ndjson', '--scope', 'read', '--json'])
  t.match(again.values(), [
    { issue: { line: 2, kind: 'rejected' } },
    { issue: { line: 3, kind: 'rejected' } },
    { issue: { line: 4, kind: 'rejected' } },
    { summary: { complete: true, dry_run: false, users: { present: 1 }, tokens: { rejected: 2 }, left_out: 0 } }
  ])
  for (const { stdout, stderr } of [result, again]) t.notMatch(stdout + stderr, secret)
})

t.test('import: reads lines from stdin, with the scopes that are named', async (t) => {
  const { cli } = cliHome(t)
  const input = ndjson(janeLine, tokenLine)
  t.match(await cli(['import'], { input }), { exitCode: 1, stderr: /Line 2: rejected: \/token\/scopes This app has no/ })
  t.match(await cli(['import', '--scope', 'bot', '--no-audit'], { input }), { exitCode: 0, stdout: /TOKENS\t1 created\n/ })
  t.match(await cli(['import'], { isTTY: true }), { exitCode: 2, stderr: /Give a FILE, or send the lines on stdin\. Help/ })
  t.match(await cli(['import', 'missing.ndjson']), { exitCode: 1, stderr: /The file \S+ cannot be read \(ENOENT\)\n$/ })
  t.match(await cli(['import', '.']), { exitCode: 1, stderr: /The file \S+ cannot be read \(EISDIR\)\n$/ })
})

t.test('import: shows how far it is on a terminal', async (t) => {
  const { cli, directory } = cliHome(t)
  writeFileSync(`${directory}/users.ndjson`, ndjson(janeLine, 'nonsense'))
  const { stderr } = await cli(['import', 'users.ndjson'], { isTTY: true })
  t.equal(stderr, '\r\u001b[KLine 2: rejected: The line is not JSON\n' +
    '\r\u001b[KImporting: 2 lines, 1 new users, 0 new tokens\r\u001b[K')
})

t.test('import: treats a stored user who differs as told', async (t) => {
  const { cli, values } = cliHome(t)
  await values('user', 'create', 'jane@example.com', '--name', 'Other')
  const input = ndjson({ user: { ref: 'b', email: 'bob@example.com' } }, janeLine)
  t.match(await cli(['import'], { input }), {
    exitCode: 0, stderr: 'Line 2: conflict: The stored user user-1 differs in: name\n'
  })
  const failed = await cli(['import', '--on-conflict', 'fail', '--json'], { input })
  t.match(failed.values(), [{ summary: { complete: false, users: { present: 1 } } }])
  t.match(JSON.parse(failed.stderr), { code: /IMPORT_CONFLICT$/, message: /^Line 2 of the import: The stored user user-1/ })
  t.match(await cli(['import', '--on-conflict', 'fail'], { input }), { exitCode: 1, stdout: /^STATE\tstopped\nLINES\t2\n/ })
  t.match(await cli(['import', '--on-conflict', 'merge'], { input }), { exitCode: 0, stdout: /USERS\t1 present, 1 updated\n/ })
  t.match(await values('user', 'show', 'user-1'), [{ name: 'Jane' }])
})

t.test('import: a dry run changes nothing', async (t) => {
  const { cli, values, directory } = cliHome(t)
  const input = ndjson(janeLine)
  t.match(await cli(['import', '--dry-run'], { input }), { exitCode: 1, stderr: /There is no database at .* migrate\n$/ })
  t.notOk(existsSync(`${directory}/vexa-admin.db`))
  await values('migrate')
  t.match(await cli(['import', '--dry-run'], { input }), { stdout: /^STATE\tcomplete, a dry run\nLINES\t1\nUSERS\t1 created\n/ })
  t.same(await values('user', 'list'), [])
})

t.test('import: --map writes the new id of each user', async (t) => {
  const { cli, directory } = cliHome(t)
  const input = ndjson({ user: { ref: 'tab\t', email: 'bob@example.com' } }, janeLine)
  t.match(await cli(['import', '--map', 'ids'], { input }), { exitCode: 0 })
  t.equal(readFileSync(`${directory}/ids`, 'utf8'), ndjson({ ref: 'tab\t', id: 'user-1' }, { ref: 'a', id: 'user-2' }))
  t.match(await cli(['import', '--map', 'ids'], { input }), { exitCode: 1, stdout: '', stderr: /ids exists, and is not/ })
})

/** Starts an import from a stdin that stays open, and sends it a signal when it has stored a batch. */
async function interrupt (directory: string, args: string[]) {
  const child = createProcess(directory, { isTTY: true })
  const stdin = Object.assign(new PassThrough(), { isTTY: false })
  const exit = main(['import', ...args], { ...child.process, stdin })
  stdin.write(ndjson(...Array.from({ length: 600 }, (_, n) => ({ user: { ref: `${n}`, email: `${n}@example.com` } }))))
  while (!child.output().stderr.includes('512 lines')) await new Promise((resolve) => setTimeout(resolve, 10))
  child.kill('SIGINT')
  return { exitCode: await exit, ...child.output() }
}

t.test('import: stops after a batch at a signal, and can be repeated', async (t) => {
  const { cli, values, directory } = cliHome(t)
  await values('migrate')
  t.match(await interrupt(directory, ['--dry-run']), { exitCode: 1, stderr: /fastify-vexa-admin: Stopped\n$/ })
  const stopped = await interrupt(directory, [])
  t.match(stopped, { exitCode: 1, stdout: /^STATE +stopped\n/, stderr: /Stopped. Repeat the command to go on: .*\n$/ })
  t.equal((await values('user', 'list')).length, 512)
  const input = ndjson(...Array.from({ length: 513 }, (_, n) => ({ user: { ref: `${n}`, email: `${n}@example.com` } })))
  t.match(await cli(['import'], { input }), { exitCode: 0, stdout: /USERS\t1 created, 512 present\n/ })
})

t.test('import: is not done when the reader of its report ends', async (t) => {
  const { directory } = cliHome(t)
  const child = createProcess(directory, { input: ndjson('nonsense', janeLine) })
  const stdout = new Writable({
    write: (_piece, _encoding, callback) => callback(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
  })
  t.equal(await main(['import', '--json'], { ...child.process, stdout }), 1)
  t.match(child.output().stderr, /Stopped. Repeat the command to go on/)
})

t.test('import: moves Vexa, and its tokens are accepted', { skip: await unavailable('postgres') }, async (t) => {
  const sample = readFileSync(`${fixtures}/vexa.sql`, 'utf8')
  const tokens = [...sample.matchAll(/^ {2}\((\d+), +'([\w-]+)', \d+, '\{/gm)]
  const vexa = await sourceDatabase(t, 'postgres')
  await runStatements(vexa, sample)
  const { rows: [row] } = await sql<{ name: string }>`select current_schema() as name`.execute(vexa)
  const url = new URL(postgresUrl)
  url.searchParams.set('options', `-c search_path=${row?.name}`)

  const { cli, directory } = cliHome(t)
  const env = { SOURCE_URL: url.href }
  await cli(['migrate'])
  const args = ['import', '--from', 'vexa', '--keep-ids', '--json']
  const dry = await cli([...args, '--dry-run'], { env })
  const result = await cli(args, { env })
  const { summary } = result.values().at(-1)
  t.match(summary, { users: { created: 13, skipped: 1 }, tokens: { created: 20, rejected: 0 }, left_out: 0 })
  t.same({ ...dry.values().at(-1).summary, dry_run: false }, summary)
  t.equal(result.exitCode, 0)

  const { tokens: service, close } = await openVexaAdmin({
    storage: sqliteStorage({ filename: `${directory}/vexa-admin.db` }),
    scopes: summary.options.scopes,
    legacyTokens: summary.options.legacyTokens.map((form: string) => new RegExp(form))
  })
  const counts: Record<string, number> = {}
  for (const [, id, token = ''] of tokens) {
    const verification = await service.verify({ token })
    if (verification.valid) t.equal(verification.token.id, `token-${id}`)
    const outcome = verification.valid ? 'valid' : verification.code
    counts[outcome] = (counts[outcome] ?? 0) + 1
    t.notMatch(result.stdout + result.stderr, token)
  }
  await close()
  t.same(counts, { valid: 18, EXPIRED: 2 })

  const text = await cli(['import', '--from', 'vexa', url.href])
  t.match(text, { exitCode: 0, stdout: /OPTIONS\tscopes: \["bot",.*\], legacyTokens: \[\/.*\/\]\n/ })
  t.match(text.stderr, /^users row 6: conflict: users row 5 has the same address, .* one user, user-5\n/m)
  t.match(text.stderr, /^The last id of users was 26\. With --keep-ids, set the sequence of ids to it\.\n/m)
  t.match(await cli(['import', '--from', 'vexa', url.href, '--on-conflict', 'fail']),
    { exitCode: 1, stderr: /fastify-vexa-admin: users row 6: users row 5 has the same address, .*\n$/ })
})

t.test('import: moves better-auth from a file of SQLite', async (t) => {
  const { cli, directory } = cliHome(t)
  const db = new Kysely<any>({ dialect: new SqliteDialect({ database: new Database(`${directory}/auth.db`) }) })
  await createBetterAuth(db, 'sqlite')
  await insertRows(db, 'sqlite', 'user', [jane, bob])
  const lostKey = { ...plainKey, id: 'lost', key: 'k', referenceId: 'nobody' }
  await insertRows(db, 'sqlite', 'apikey', [plainKey, fullKey, lostKey])
  await db.destroy()
  const args = ['import', '--from', 'better-auth', 'sqlite:auth.db']
  t.match(await cli(args), {
    exitCode: 0, stdout: /USERS\t2 created\nTOKENS\t2 created\nINVALID\t0\nLEFT OUT\t1\n/, stderr: /lost is left out: .*\n/
  })
  t.match((await cli([...args, '--json'])).values().at(-1), { summary: { tokens: { present: 2 }, left_out: 1 } })
  const { exitCode } = await cli(['token', 'verify', '--scope', 'files:read'], { input: realValues.full as string })
  t.equal(exitCode, 0, 'the command accepts values of any form')
})

t.test('import: moves Unkey from a file, with the owner of a line as its record', async (t) => {
  const { cli, values } = cliHome(t)
  await values('user', 'create', 'jane@example.com', '--name', 'Other')
  const result = await cli(['import', '--from', 'unkey', `${fixtures}/unkey-keys.ndjson`, '--json'])
  const issues = result.values().flatMap(({ issue }) => issue ?? [])
  t.match(issues, [{ line: Number, record: 'owner jane@example.com', kind: 'conflict' }])
  t.match(result.values()[0], { note: { record: /^key /, skipped: true } })
})

t.test('import: says why a source cannot be read', async (t) => {
  const { cli, directory, values } = cliHome(t)
  await values('migrate')
  writeFileSync(`${directory}/keys.json`, 'no JSON')
  writeFileSync(`${directory}/users.ndjson`, ndjson(janeLine, tokenLine))
  for (const [args, exitCode, sentence] of [
    [['vexa'], 2, /Give the URL of the other database as SOURCE, or in the variable SOURCE_URL\. Help/],
    [['vexa', 'sqlite:vexa.db'], 2, /The URL of the database of Vexa must begin with postgres:\/\/\. Help/],
    [['vexa', 'vexa'], 2, /must begin with sqlite:, postgres:\/\/ or mysql:/],
    [['vexa', 'postgres://a:secret@127.0.0.1:1/vexa'], 1, /: SOURCE cannot be read: .*ECONNREFUSED.*\n$/],
    [['better-auth', 'sqlite:auth.db'], 1, /: There is no database at \S+auth.db\n$/],
    [['better-auth', 'sqlite:vexa-admin.db'], 1, /: The database has no table user/],
    [['unkey'], 2, /Give the file of Unkey/],
    [['unkey', '/dev/null'], 2, /: Write the keys of Unkey to a file, because the command reads them several times\. Help/],
    [['unkey', 'keys.json', '--keep-ids'], 2, /--keep-ids: the ids of Unkey cannot be kept\. Help/],
    [['unkey', 'missing.json'], 1, /: SOURCE cannot be read: ENOENT: .*\n$/],
    [['unkey', 'keys.json'], 1, /: The file is no JSON. Several documents must have a line each\n$/],
    [['unkey', 'users.ndjson'], 1, /: Record 1 of the file is no key, because it has no id\n$/],
    [['lasso'], 2, /--from.*Expected vexa or better-auth or unkey/]
  ] as const) {
    const result = await cli(['import', '--from', ...args])
    t.match(result, { exitCode, stdout: '', stderr: sentence })
    t.notMatch(result.stderr, 'secret')
  }
})
