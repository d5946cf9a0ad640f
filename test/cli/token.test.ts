import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { userInfo } from 'node:os'
import { Readable } from 'node:stream'
import t from 'tap'
import { openVexaAdmin, sqliteStorage } from '../../src/index.js'
import { main } from '../../src/cli/main.js'
import { cliHome, createProcess } from '../support/cli.js'

const form = /^vex_[0-9A-Za-z]{36}\n$/

t.test('token: its value is alone on stdout, and the rest is on stderr', async (t) => {
  const { cli, values } = cliHome(t)
  await values('user', 'create', 'jane@example.com')
  const created = await cli(['token', 'create', 'user-1'])
  t.match(created, { exitCode: 0, stdout: form })
  t.match(created.stderr, /^Created token-1 for user-1\. Only this command shows the value\.\n$/)
  const verified = await cli(['token', 'verify'], { input: created.stdout })
  t.equal(verified.exitCode, 0)
  t.equal(verified.stdout, 'VALID\tyes\nCODE\t-\nTOKEN\ttoken-1\nUSER\tuser-1\nEMAIL\tjane@example.com\n')

  const rotated = await cli(['token', 'rotate', 'token-1', '--grace-period', '1h'])
  t.match(rotated, { exitCode: 0, stdout: form, stderr: /^Replaced token-1 by token-2\./ })
  t.equal((await cli(['token', 'verify'], { input: created.stdout })).exitCode, 0, 'still valid')
  t.equal((await cli(['token', 'revoke', 'token-1'])).stdout, 'Revoked token-1\n')
  const dead = await cli(['token', 'verify', '--json'], { input: created.stdout })
  t.match(dead, { exitCode: 1, stdout: '{"valid":false,"code":"NOT_FOUND"}\n' })
  t.match((await cli(['token', 'verify'], { input: created.stdout })).stdout, /^VALID\tno\nCODE\tNOT_FOUND\n/)
})

t.test('token create: makes a token with scopes, a lifetime, data and a prefix', async (t) => {
  const { cli, values } = cliHome(t)
  await values('user', 'create', 'jane@example.com')
  const options = ['--name', 'CI', '--scope', 'bot,read', '--scope', 'bot', '--data', '{"a":1}', '--prefix', 'acme_']
  const [created] = await values('token', 'create', 'user-1', '--expires-in', '90d', ...options)
  t.match(created, { name: 'CI', scopes: ['bot', 'read'], data: { a: 1 }, token: /^acme_.{36}$/, start: /^acme_.{4}$/ })
  t.match((await cli(['token', 'show', 'token-1'])).stdout, /SCOPES\tbot,read\n(.*\n)*DATA\t{"a":1}\n/)
  t.equal(Date.parse(created.expires_at) - Date.parse(created.created_at), 90 * 86_400_000)
})

t.test('token rotate: keeps the prefix that the start of the token shows', async (t) => {
  const { values } = cliHome(t)
  await values('user', 'create', 'jane@example.com')
  await values('token', 'create', 'user-1', '--prefix', 'acme_')
  t.match(await values('token', 'rotate', 'token-1'), [{ id: 'token-2', token: /^acme_/ }])
  t.match(await values('token', 'rotate', 'token-2', '--prefix', 'new_'), [{ id: 'token-3', token: /^new_/ }])
  await values('token', 'create', 'user-1', '--prefix', '-')
  t.match(await values('token', 'rotate', 'token-4'), [{ id: 'token-5', token: /^-.{36}$/ }])
})

t.test('token rotate: needs --prefix if the start of the token shows no prefix', async (t) => {
  const { cli, values, directory } = cliHome(t)
  const services = await openVexaAdmin({ storage: sqliteStorage({ filename: `${directory}/vexa-admin.db` }) })
  const foreign = ['a', 'abCDef', 'sk.live_12', 'sk_live_12', 'sk.live_12aB', 'sk_abc', 'vex_abcde']
  const starts = [null, ...foreign, 'acme12aB']
  await services.import([
    { user: { ref: '1', email: 'jane@example.com' } },
    ...starts.map((start, n) => ({ token: { user: '1', value: `${n}`.padEnd(80, 'x'), start } }))
  ].map((line) => `${JSON.stringify(line)}\n`))
  // An app without the option tokenStart creates such a token.
  await services.tokens.create('user-1')
  await services.close()
  const before = await values('token', 'list', 'user-1')
  t.equal(before.length, starts.length + 1)
  for (const { id, start = 'no start' } of before) {
    t.match(await cli(['token', 'rotate', id]), {
      exitCode: 2,
      stdout: '',
      stderr: /The prefix of your app is not known from this token: give it with --prefix, such as --prefix vex_\. Help/
    }, start)
  }
  t.same(await values('token', 'list', 'user-1'), before, 'nothing is rotated')
  t.match(await values('token', 'rotate', 'token-1', '--prefix', 'vex_'), [{ token: /^vex_.{36}$/, start: /^vex_.{4}$/ }])
})

t.test('token list, find and show: list what an option selects', async (t) => {
  const { cli, values } = cliHome(t)
  await values('user', 'create', 'jane@example.com')
  const [{ start }] = await values('token', 'create', 'user-1', '--name', 'CI')
  await values('token', 'create', 'user-1', '--expires-in', '1h')
  await values('token', 'update', 'token-1', '--disable')
  const ids = async (...args: string[]) => (await values('token', ...args)).map(({ id }) => id)

  t.same(await ids('list', 'user-1'), ['token-1', 'token-2'])
  t.same(await ids('list', 'user-1', '--order', 'desc', '--limit', '1'), ['token-2'])
  t.same(await ids('find'), ['token-1', 'token-2'])
  t.same(await ids('find', '--start', start), ['token-1'])
  t.same(await ids('find', '--search', 'ci'), ['token-1'])
  t.same(await ids('find', '--state', 'disabled'), ['token-1'])
  t.same(await ids('find', '--expires-before', 'now+2h'), ['token-2'])
  t.same(await ids('find', '--unused-since', 'now-1d'), [])
  t.match(await cli(['token', 'find', '--start', 'vex_UAC6kN5fdhzX9X8VJM3etDsZ0km6p81EU8Mg']),
    { exitCode: 2, stderr: /--start takes only the first characters/ })
  t.match((await cli(['token', 'find'])).stdout, /^ID\tUSER\tEMAIL\tNAME.*\ntoken-1\tuser-1\tjane@example.com\tCI\tvex_/)

  t.match((await cli(['token', 'show', 'token-1'])).stdout, /^ID\ttoken-1\n(.*\n)*STATE\tdisabled\n(.*\n)*EMAIL\tjane@/)
  t.match((await cli(['user', 'show', 'user-1'])).stdout, /^ID\tuser-1\n(.*\n)*\nID\tUSER\t(.*\n)token-1\tuser-1\tCI/)
})

t.test('token find: finds the start of an imported token, in any form', async (t) => {
  const { cli, values, directory } = cliHome(t)
  const services = await openVexaAdmin({ storage: sqliteStorage({ filename: `${directory}/vexa-admin.db` }) })
  const starts = ['sk.live_12', `sk.${'a'.repeat(32)}`]
  await services.import([
    { user: { ref: '1', email: 'jane@example.com' } },
    ...starts.map((start, n) => ({ token: { user: '1', value: `${n}`.padEnd(80, 'x'), start } }))
  ].map((line) => `${JSON.stringify(line)}\n`))
  await services.close()
  const find = async (start: string) => (await values('token', 'find', '--start', start)).map(({ id }) => id)
  t.same(await find('sk.'), ['token-1', 'token-2'])
  t.same(await find('sk.l'), ['token-1'])
  t.same(await find(`sk.${'a'.repeat(32)}`), ['token-2'], 'the longest start that the option takes')
  t.same(await find('sk_l'), [])
  for (const start of ['', 's k', 'skä']) {
    t.match(await cli(['token', 'find', '--start', start]),
      { exitCode: 2, stderr: /--start: Expected the first characters of a value/ }, start)
  }
})

t.test('token update: sets and removes each member', async (t) => {
  const { cli, values } = cliHome(t)
  await values('user', 'create', 'jane@example.com')
  await values('token', 'create', 'user-1')
  const update = async (...args: string[]) => (await values('token', 'update', 'token-1', ...args))[0]
  const full = await update('--name', 'CI', '--scope', 'bot', '--disable', '--expires-in', '60', '--data', '{"a":1}')
  t.match(full, { name: 'CI', scopes: ['bot'], disabled: true, expires_at: /Z$/, data: { a: 1 } })
  const bare = await update('--no-name', '--all-scopes', '--enable', '--no-expiry', '--no-data')
  t.same(Object.keys(bare), ['id', 'token', 'user_id', 'created_at', 'start'])
  t.match(await cli(['token', 'update', 'token-1', '--name', 'a', '--no-name']),
    { exitCode: 2, stderr: /Give either --name or --no-name/ })
})

t.test('token: an expired token is shown as expired', async (t) => {
  const { cli, values } = cliHome(t)
  await values('user', 'create', 'jane@example.com')
  await values('token', 'create', 'user-1', '--expires-in', '1')
  await new Promise((resolve) => setTimeout(resolve, 1100))
  t.match((await cli(['token', 'list', 'user-1'])).stdout, /\texpired\t/)
  t.match(await cli(['token', 'update', 'token-1', '--disable']), { exitCode: 1, stderr: /The token has expired/ })
})

t.test('token revoke: revokes all tokens of a user, and needs an id or a user', async (t) => {
  const { cli, values } = cliHome(t)
  await values('user', 'create', 'jane@example.com')
  await values('token', 'create', 'user-1')
  t.same(await values('token', 'revoke', '--user', 'user-1'), [{ user_id: 'user-1', revoked: true }])
  t.same(await values('token', 'list', 'user-1'), [])
  for (const args of [[], ['token-1', '--user', 'user-1']]) {
    t.match(await cli(['token', 'revoke', ...args]), { exitCode: 2, stderr: /Give either the ID of a token or --user/ })
  }
})

t.test('token verify: takes the value on stdin only, and never repeats it', async (t) => {
  const { cli, values, directory } = cliHome(t)
  const value = 'vex_UAC6kN5fdhzX9X8VJM3etDsZ0km6p81EU8Mg'
  const refused = await cli(['token', 'verify', value])
  t.match(refused, { exitCode: 2, stdout: '', stderr: /A value is never an argument/ })
  t.notMatch(refused.stderr, value)
  t.match(await cli(['token', 'verify']), { exitCode: 2, stderr: /There is no value on stdin/ })
  t.notOk(existsSync(`${directory}/vexa-admin.db`))

  await values('user', 'create', 'jane@example.com')
  const { stdout } = await cli(['token', 'create', 'user-1', '--scope', 'bot'])
  t.match(await cli(['token', 'verify', '--scope', 'tx'], { input: stdout }),
    { exitCode: 1, stdout: /INSUFFICIENT_SCOPE/ })
  const asked = await cli(['token', 'verify', '--touch'], { input: stdout, isTTY: true })
  t.match(asked, { exitCode: 0, stderr: 'Paste the value, and press Enter.\n' })
  t.match(await values('token', 'show', 'token-1'), [{ last_used_at: /Z$/ }], 'the check counts with --touch')
  t.match(await cli(['token', 'verify'], { input: 'no value' }), { exitCode: 1, stdout: /NOT_FOUND/ })
})

t.test('token verify: reads no more than the first line, and no endless line', async (t) => {
  const { directory, values } = cliHome(t)
  await values('user', 'create', 'jane@example.com')
  const [{ token }] = await values('token', 'create', 'user-1')
  const verify = async (input: Iterable<string>) => {
    const { process, output } = createProcess(directory)
    const stdin = Readable.from(input, { objectMode: false, highWaterMark: 1024 })
    const exitCode = await main(['token', 'verify'], { ...process, stdin })
    t.ok(stdin.destroyed)
    return { exitCode, ...output() }
  }
  let pieces = 0
  const endless = function * () {
    for (;;) {
      pieces++
      yield 'a'.repeat(1024)
    }
  }
  t.match(await verify(endless()),
    { exitCode: 2, stdout: '', stderr: /The first line on stdin has more than 65536 characters\. Help/ })
  t.ok(pieces > 64 && pieces < 80, `${pieces} pieces are read`)
  t.match(await verify(['a'.repeat(64 * 1024)]), { exitCode: 1, stdout: /NOT_FOUND/ })
  // The value comes in two pieces, and more than the longest line follows it.
  for (const end of ['\n', '\r\n', '\r']) {
    const input = [token.slice(0, 9), `${token.slice(9)}${end}b`, 'c'.repeat(70_000)]
    t.match(await verify(input), { exitCode: 0, stdout: /^VALID\tyes\n/ }, JSON.stringify(end))
  }
})

t.test('token verify: accepts the value of an imported token in any form', async (t) => {
  const { cli, directory } = cliHome(t)
  const services = await openVexaAdmin({ storage: sqliteStorage({ filename: `${directory}/vexa-admin.db` }) })
  const value = 'sk_live_of-another-system'
  await services.import([
    JSON.stringify({ user: { ref: '1', email: 'jane@example.com' } }),
    JSON.stringify({ token: { user: '1', sha256: createHash('sha256').update(value).digest('base64url') } })
  ].map((line) => `${line}\n`))
  await services.close()
  t.match(await cli(['token', 'verify'], { input: value }), { exitCode: 0, stdout: /^VALID\tyes\n/ })
})

t.test('audit: changes name the account or --actor, and --no-audit leaves no entry', async (t) => {
  const { cli, values } = cliHome(t)
  await values('user', 'create', 'jane@example.com')
  await values('user', 'disable', 'user-1', '--actor', 'anna')
  await values('user', 'enable', 'user-1', '--no-audit')
  await values('token', 'create', 'user-1')
  t.match(await values('audit'), [
    { action: 'token.created', token_id: 'token-1' },
    { action: 'user.updated', actor: 'anna', changed: ['disabled'] },
    { action: 'user.created', actor: `cli:${userInfo().username}` }
  ])
  const filters = ['--user', 'user-1', '--actor', 'anna', '--action', 'user.updated', '--since', 'now-1d']
  t.match(await values('audit', ...filters, '--until', 'now+1d', '--order', 'asc', '--limit', '5'), [{ id: 'audit-2' }])
  t.match(await values('audit', '--token', 'token-1'), [{ action: 'token.created' }])
  t.match((await cli(['audit', '--actor', 'anna'])).stdout, /\tanna\tuser-1\t-\t-\tdisabled\t-\n$/)
  t.match((await cli(['audit', '--limit', '1'])).stdout, /^ID\tTIME\tACTION.*\naudit-3\t.*\ttoken.created\tcli:/)
  t.match(await cli(['user', 'disable', 'user-1', '--actor', ' ']),
    { exitCode: 2, stderr: /--actor: Expected 1 to 255 printable characters/ })
})
