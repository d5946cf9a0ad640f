import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { Writable } from 'node:stream'
import t from 'tap'
import { isGroup, type Command } from '../../src/cli/command.js'
import { commands } from '../../src/cli/commands/index.js'
import { main } from '../../src/cli/main.js'
import { parseCall } from '../../src/cli/parse.js'
import { root } from '../support/child.js'
import { cliHome, createProcess } from '../support/cli.js'

const everyCommand = Object.entries(commands).flatMap(([word, entry]): Array<[string[], Command]> => isGroup(entry)
  ? Object.entries(entry.commands).map(([second, command]) => [[word, second], command])
  : [[[word], entry]])

/** Splits a line as a shell does, without variables. */
function split (line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, bare]) => double ?? single ?? bare ?? '')
}

t.test('help: shows each command, and each option of a command', async (t) => {
  const { cli } = cliHome(t)
  const all = await cli(['--help'])
  t.equal(all.exitCode, 0)
  for (const [words, command] of everyCommand) {
    t.match(all.stdout, `  ${[...words, ...command.arguments].join(' ')} `)
    const { exitCode, stdout } = await cli([...words, '--help'])
    t.equal(exitCode, 0)
    t.match(stdout, `npx fastify-vexa-admin ${[...words, ...command.arguments].join(' ')} [OPTIONS]`)
    for (const option of Object.keys(command.options)) t.match(stdout, `  --${option}`)
    t.same(stdout.split('\n').filter((line) => line.length > 120 && !line.includes('npx')), [])
  }
  t.equal((await cli(['help', 'user', 'create'])).stdout, (await cli(['user', 'create', '-h'])).stdout)
  t.equal((await cli(['help'])).stdout, all.stdout)
  t.match((await cli(['user', '--help'])).stdout, /npx fastify-vexa-admin user COMMAND \[OPTIONS\]/)
})

t.test('help: each example is a call that the parser accepts', async (t) => {
  for (const [words, command] of everyCommand) {
    t.not(command.examples.length, 0)
    for (const [, line] of command.examples) {
      const [, call = ''] = /npx fastify-vexa-admin (.*?)(?:\)"?)?(?: [|<>] .*)?$/.exec(line.replace('$(date +%F)', '1')) ?? []
      t.same(split(call).slice(0, words.length), words, line)
      t.doesNotThrow(() => parseCall(command, split(call).slice(words.length)), line)
    }
  }
})

t.test('key: prints an admin key on stdout, and its SHA-256 on stderr', async (t) => {
  const { cli, values } = cliHome(t)
  const { stdout, stderr } = await cli(['key'])
  t.match(stdout, /^[\w-]{32}\n$/)
  const sha256 = createHash('sha256').update(stdout.trim()).digest('hex')
  t.equal(stderr, `SHA-256: ${sha256}\n`)
  t.match(await values('key'), [{ key: /^[\w-]{32}$/, sha256: /^[0-9a-f]{64}$/, fingerprint: /^[0-9a-f]{8}$/ }])
})

t.test('main: --version prints the version of package.json', async (t) => {
  const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))
  t.match(await cliHome(t).cli(['--version']), { exitCode: 0, stdout: `${version}\n`, stderr: '' })
})

t.test('main: rejects wrong usage with exit code 2, and says what is right', async (t) => {
  const { cli } = cliHome(t)
  for (const [args, sentence] of [
    [['usr'], /Unknown command "usr"\. Did you mean user\?/],
    [['user', 'craete', 'a@b'], /Unknown command "user craete"\. Did you mean create\?/],
    [['xyzzy'], /Unknown command "xyzzy"\. The commands are: serve, user, /],
    [['constructor'], /Unknown command "constructor"/],
    [['vex_UAC6kN5fdhzX9X8VJM3etDsZ0km6p81EU8Mg'], /: Unknown command\. The commands are/],
    [['--json', 'user', 'list'], /Write the command first, and its options after it/],
    [['user', 'list', '--serach', 'a'], /Unknown option --serach\. Did you mean --search\? Help: npx \S+ user list --help/],
    [['user', 'list', '--quux'], /Unknown option --quux\. Help/],
    [['user', 'list', '--constructor'], /Unknown option --constructor\. Help/],
    [['user', 'list', '--vex_UAC6kN5fdhzX9X8VJM3etDsZ0km6p81EU8Mg'], /: Unknown option\. Help/],
    [['user', 'list', '--Search', 'a'], /: Unknown option\. Did you mean --search\?/],
    [['user', 'list', '-x'], /Unknown option -x\. Help/],
    [['user', 'list', '--limit'], /--limit needs a value: --limit NUMBER\./],
    [['user', 'list', '--search', '--json'], /--search needs a value\. If the value begins with a hyphen, write --search=…/],
    [['user', 'list', '--limit', '1', '--limit', '2'], /--limit is given twice/],
    [['user', 'list', '--disabled=yes'], /--disabled takes no value/],
    [['user', 'list', '--disabled', '--enabled'], /Give either --disabled or --enabled/],
    [['user', 'list', '--limit', '0'], /--limit: Expected a whole number from 1 to 2147483647/],
    [['user', 'list', '--limit', '1.5'], /--limit: Expected a whole number/],
    [['user', 'list', '--order', 'up'], /--order: Expected asc or desc/],
    [['user', 'create'], /Missing argument EMAIL/],
    [['user', 'create', 'Jane', 'Doe'], /Too many arguments: the command takes only EMAIL\. Put quotes around text/],
    [['user', 'list', 'all'], /Too many arguments: the command takes no arguments/],
    [['user', 'create', 'nobody'], /EMAIL: Expected an e-mail address/],
    [['user', 'create', 'a@b', '--data', '[]'], /--data: Expected a JSON object, such as/],
    [['user', 'create', 'a@b', '--data', '{'], /--data: Expected a JSON object/],
    [['user', 'create', 'a@b', '--data', '{"a":1,"a":2}'], /--data: The object has a duplicate member, at position 7: send/],
    [['token', 'create', 'user-1', '--data', '{"a":12345678901234567890}'], /--data: The object has a number that JavaScript/],
    [['user', 'create', 'a@b', '--name', 'x'.repeat(256)], /--name: Expected .* at most 255 characters/],
    [['token', 'create', 'user-1', '--expires-in', '1y'], /--expires-in: Expected a number of seconds, or .* 30d/],
    [['token', 'create', 'user-1', '--expires-in', '9999999w'], /--expires-in: Expected a number of seconds/],
    [['token', 'create', 'user-1', '--expires-in', '0'], /--expires-in: Expected a whole number of seconds, from 1/],
    [['audit', '--since', 'yesterday'], /--since: Expected a time such as 2024-01-01T12:00:00Z, 2024-01-01, now, now-30d/],
    [['audit', '--since', '2024-13-01'], /--since: Expected a time/]
  ] as const) {
    const { exitCode, stdout, stderr } = await cli([...args])
    t.match({ exitCode, stdout, stderr }, { exitCode: 2, stdout: '', stderr: sentence }, args.join(' '))
  }
  t.match(await cli([]), { exitCode: 2, stdout: '', stderr: /Usage:/ })
  t.match(await cli(['user']), { exitCode: 2, stdout: '', stderr: /Usage:/ })
})

t.test('main: with --json, an error on stderr is one JSON object with its code', async (t) => {
  const { cli } = cliHome(t)
  await cli(['migrate'])
  const { exitCode, stdout, stderr } = await cli(['user', 'show', 'user-9', '--json'])
  t.same([exitCode, stdout], [1, ''])
  t.same(JSON.parse(stderr), { code: 'VEXA_ADMIN_ERR_USER_NOT_FOUND', message: 'User not found' })
  t.match(JSON.parse((await cli(['usr', '--json'])).stderr), { message: /Unknown command/ })
})

t.test('main: times are relative to now, dates, or RFC 3339', async (t) => {
  const { values } = cliHome(t)
  await values('user', 'create', 'jane@example.com')
  for (const [time, count] of [
    ['now', 0], ['now-1h', 1], ['now+1h', 0], ['2024-01-01', 1], ['2024-01-01T00:00:00+01:00', 1]
  ] as const) t.equal((await values('audit', '--since', time)).length, count, time)
})

t.test('main: asks on a terminal before it deletes or revokes', async (t) => {
  const { cli, values } = cliHome(t)
  for (const email of ['a@example.com', 'b@example.com', 'c@example.com']) await values('user', 'create', email)
  const no = await cli(['user', 'delete', 'user-1'], { isTTY: true, input: 'n\n' })
  t.match(no, { exitCode: 1, stdout: '', stderr: /^Delete user-1 \(a@example.com\) and all of its tokens\? Type y/ })
  t.match(no.stderr, /Nothing has been changed/)
  t.match(await cli(['user', 'delete', 'user-1'], { isTTY: true }), { exitCode: 1 }, 'at the end of the input')
  t.match(await cli(['user', 'delete', 'user-1'], { isTTY: true, input: 'y\n' }), { exitCode: 0 })
  t.match(await cli(['user', 'delete', 'user-2', '--yes'], { isTTY: true }), { exitCode: 0, stderr: '' })
  const revoke = ['token', 'revoke', '--user', 'user-3']
  t.match(await cli(revoke, { isTTY: true, input: 'no' }), { exitCode: 1, stderr: /^Revoke all tokens of user-3\?/ })
  t.match((await cli([...revoke, '--yes'], { isTTY: true })).stdout, 'Revoked all tokens of user-3\n')
})

t.test('output: aligns columns on a terminal, and escapes control characters', async (t) => {
  const { cli, values } = cliHome(t)
  await values('user', 'create', 'jane@example.com', '--name', 'Zoë \u{1f600}\u001b[2J\u009b\u202e\u061c')
  await values('user', 'create', 'j@example.com')
  const { stdout } = await cli(['user', 'list'], { isTTY: true })
  t.match(stdout, /^ID {6}EMAIL {13}NAME +BOTS {2}STATE {3}CREATED\nuser-1 {2}jane@example.com {2}Zoë/)
  t.match(stdout, 'Zoë \u{1f600}\\u001b[2J\\u009b\\u202e\\u061c  3')
  t.match(stdout, /\nuser-2 {2}j@example.com {5}- +3 {5}active {2}20\S+Z\n$/)
  t.match((await cli(['user', 'list', '--json'], { isTTY: true })).stdout, '\\u001b[2J\\u009b\\u202e\\u061c')
})

t.test('output: lists more users than fit on a page', async (t) => {
  const { directory, values, cli } = cliHome(t)
  writeFileSync(`${directory}/many.mjs`, `import { MemoryStorage } from '${root}examples/custom-storage.ts'
    const storage = new MemoryStorage()
    const user = { name: null, max_concurrent_bots: 3, disabled: false, data: null, created_at: new Date().toJSON() }
    for (let i = 0; i < 2000; i++) await storage.createUser({ ...user, email: i + '@example.com' })
    export default storage`)
  const list = ['user', 'list', '--storage', 'many.mjs']
  t.equal((await values(...list)).length, 2000)
  t.equal((await values(...list, '--limit', '1500')).length, 1500)
  t.equal((await cli(list)).stdout.match(/^ID/gm)?.length, 1, 'one header')

  // A reader such as `head` ends while the command writes.
  const { process, output } = createProcess(directory)
  const closed = (chunks: number, code: string) => Object.assign(new Writable({
    write: (_chunk, _encoding, callback) => callback(chunks-- > 0 ? null : Object.assign(new Error('write'), { code }))
  }), { isTTY: false })
  t.equal(await main(list, { ...process, stdout: closed(1, 'EPIPE') }), 0)
  t.equal(output().stderr, '')
  t.equal(await main(list, { ...process, stdout: closed(0, 'ENOSPC') }), 1)
  t.match(output().stderr, /fastify-vexa-admin: write\n/)
  const absent = ['user', 'show', 'user-9999', '--storage', 'many.mjs']
  t.equal(await main(absent, { ...process, stderr: closed(0, 'EPIPE') }), 1)
})

t.test('output: names what was created when its secret cannot be written', async (t) => {
  const { directory, values } = cliHome(t)
  await values('user', 'create', 'jane@example.com')
  const run = async (code: string, ...args: string[]) => {
    const { process, output } = createProcess(directory)
    const stdout = new Writable({
      write: (_chunk, _encoding, callback) => callback(Object.assign(new Error('write'), { code }))
    })
    const exitCode = await main(args, { ...process, stdout })
    return { exitCode, stderr: output().stderr }
  }
  const create = ['token', 'create', 'user-1']
  for (const [code, id] of [['EPIPE', 'token-1'], ['ENOSPC', 'token-2']] as const) {
    t.same(await run(code, ...create), {
      exitCode: 1, stderr: `fastify-vexa-admin: Created ${id}, but its value could not be written: revoke it\n`
    })
  }
  t.same(await run('ENOSPC', ...create, '--json'), {
    exitCode: 1,
    stderr: '{"code":"ENOSPC","message":"Created token-3, but its value could not be written: revoke it"}\n'
  })
  t.same(await run('EPIPE', 'token', 'rotate', 'token-1'), {
    exitCode: 1,
    stderr: 'fastify-vexa-admin: Replaced token-1 by token-4, but the value of token-4 could not be written: ' +
      'revoke token-4\n'
  })
  t.same(await run('EPIPE', 'key'), { exitCode: 1, stderr: 'fastify-vexa-admin: The key could not be written\n' })
  t.same((await values('token', 'list', 'user-1')).map(({ id }) => id), ['token-2', 'token-3', 'token-4'])
})

t.test('bin: runs the command of the arguments of the process', async (t) => {
  const { argv } = process
  t.teardown(() => { process.argv = argv })
  process.argv = ['node', 'fastify-vexa-admin', '--version']
  await import('../../src/cli/bin.js')
  t.equal(process.exitCode, 0)
})
