// Runs the command line of the packed package as a user does.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { emptyPlace, mysqlUrl, postgresUrl, tablePrefixAt, unavailable } from '../support/databases.js'
import { emptyApp, execute } from './tools.js'

interface Result {
  exitCode: number
  stdout: string
  stderr: string
}

/** Runs the command line in an app. */
async function cli (cwd: string, args: string[], { input = '', url = '' } = {}): Promise<Result> {
  const env = { PATH: process.env.PATH, DATABASE_URL: url }
  const child = spawn(`${cwd}/node_modules/.bin/fastify-vexa-admin`, args, { cwd, env })
  child.stdin.on('error', () => {})
  // A pipe with input stays open, because the program before it may go on.
  if (input === '') child.stdin.end()
  else child.stdin.write(input)
  const [stdout, stderr] = [text(child.stdout), text(child.stderr)]
  const [exitCode] = await once(child, 'close')
  return { exitCode, stdout: await stdout, stderr: await stderr }
}

/** Serves the API in an app, and returns its address and key. The function `stop` returns the exit code or signal. */
async function serve (t: Test, cwd: string, program: string[], args: string[], url: string) {
  const env = { PATH: `${cwd}/node_modules/.bin:${process.env.PATH}`, HOME: process.env.HOME, DATABASE_URL: url }
  const options = ['serve', '--port', '0', '--json', '--log-level', 'warn', ...args]
  // A group of its own, because npx starts the program in another process.
  const child = spawn('env', [...program, ...options], {
    cwd, env, detached: true, stdio: ['ignore', 'pipe', 'inherit']
  })
  const kill = (signal: NodeJS.Signals) => process.kill(-(child.pid as number), signal)
  let hasEnded = false
  const exit = once(child, 'close').then(([code, signal]) => {
    hasEnded = true
    return code ?? signal
  })
  t.teardown(() => { if (!hasEnded) kill('SIGKILL') })
  const [line] = await Promise.race([once(child.stdout, 'data'), exit.then(() => { throw new Error('no start') })])
  return {
    ...JSON.parse(String(line)) as { url: string, console_url: string, admin_key: string },
    stop: () => {
      kill('SIGINT')
      return exit
    }
  }
}

/** Runs each command once on one database. */
async function runAll (t: Test, cwd: string, url: string, common: string[]): Promise<void> {
  const run = (args: string[], options = {}) => cli(cwd, [...args, ...common], { url, ...options })
  const values = async (...args: string[]) => {
    const { exitCode, stdout, stderr } = await run([...args, '--json'])
    t.equal(exitCode, 0, `${args.join(' ')} ${stderr}`)
    return stdout.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line))
  }

  t.match(await values('migrate'), [{ from: 0 }])
  t.match(await values('migrate', '--check'), [{ up_to_date: true }])
  t.match(await values('user', 'create', 'jane@example.com', '--data', '{"plan":"pro"}'), [{ id: 'user-1' }])
  t.match(await values('user', 'update', 'user-1', '--name', 'Jane', '--max-concurrent-bots', '1'), [{ name: 'Jane' }])
  t.match(await values('user', 'disable', 'user-1'), [{ disabled: true }])
  t.match(await values('user', 'enable', 'user-1'), [{ id: 'user-1' }])
  t.match(await values('user', 'list', '--search', 'jane'), [{ id: 'user-1' }])
  const created = await run(['token', 'create', 'user-1', '--scope', 'bot', '--expires-in', '1d'])
  t.match(created, { exitCode: 0, stdout: /^vex_\w{36}\n$/, stderr: /token-1/ })
  t.match(await run(['token', 'verify', '--scope', 'bot'], { input: created.stdout }), { exitCode: 0 })
  const rotated = await run(['token', 'rotate', 'token-1', '--grace-period', '1h'])
  t.match(rotated, { exitCode: 0, stdout: /^vex_\w{36}\n$/ })
  t.match(await values('token', 'list', 'user-1'), [{ id: 'token-1' }, { id: 'token-2' }])
  t.match(await values('token', 'find', '--start', rotated.stdout.slice(0, 8)), [{ id: 'token-2' }])
  t.match(await values('token', 'show', 'token-2'), [{ scopes: ['bot'], user: { email: 'jane@example.com' } }])
  t.match(await values('token', 'update', 'token-2', '--disable'), [{ disabled: true }])
  t.match(await run(['token', 'verify'], { input: rotated.stdout }), { exitCode: 1, stdout: /TOKEN_DISABLED/ })
  t.match(await values('token', 'revoke', 'token-2'), [{ revoked: true }])
  t.match(await values('prune', '--expired-before', 'now-1d'), [{ deleted: 0 }])
  t.match(await values('user', 'show', 'user-1'), [{ api_tokens: [{ id: 'token-1' }] }])
  t.match(await values('audit', '--limit', '1'), [{ action: 'token.revoked', actor: /^cli:/ }])
  const file = `${common.at(-1) ?? 'sqlite'}.ndjson`
  t.match(await values('export', file), [{ users: 1, tokens: 1 }])
  t.match(await values('import', file, '--keep-ids'), [{ summary: { users: { present: 1 }, tokens: { present: 1 } } }])
  t.match(await run(['import', '--scope', 'read,bot', file, '--dry-run']), { exitCode: 0, stdout: /1 present/ })
  t.same((await values('doctor')).filter(({ ok }) => !ok), [])

  const server = await serve(t, cwd, ['fastify-vexa-admin'], common, url)
  const headers = { 'x-admin-api-key': server.admin_key }
  t.match(await (await fetch(`${server.url}/users`, { headers })).json(), [{ id: 'user-1' }])
  t.equal((await fetch(`${server.url.replace('/admin', '/health')}`)).status, 200)
  const page = await fetch(new URL('/', server.url))
  t.same([page.status, page.url], [200, server.console_url])
  t.match(await values('user', 'delete', 'user-1'), [{ deleted: true }])
  t.same(await (await fetch(`${server.url}/users`, { headers })).json(), [])
  t.equal(await server.stop(), 0)
}

t.test('cli: each command works in an empty folder, on each database', async (t) => {
  const cwd = await emptyApp(t, [])
  const help = await cli(cwd, ['--help'])
  t.match(help, { exitCode: 0, stdout: /npx fastify-vexa-admin COMMAND/, stderr: '' })
  // The reader has ended before the command writes.
  // eslint-disable-next-line no-template-curly-in-string
  const pipe = '{ sleep 0.2; node_modules/.bin/fastify-vexa-admin --help; } | true; echo ${PIPESTATUS[0]}'
  t.equal(await execute('bash', ['-c', pipe], { cwd }), '0\n')
  await runAll(t, cwd, '', [])
  t.ok(existsSync(`${cwd}/vexa-admin.db`))
  const server = await serve(t, cwd, ['npx', 'fastify-vexa-admin'], [], '')
  t.equal((await fetch(`${server.url}/users`, { headers: { 'x-admin-api-key': server.admin_key } })).status, 200)
  await server.stop()
  await t.rejects(fetch(server.url), 'npx passes the signal on')
  t.match(await cli(cwd, ['backup', 'copy.db']), { exitCode: 0 })
  t.match(await cli(cwd, ['key']), { exitCode: 0, stdout: /^\S{32}\n$/ })

  for (const [database, url, driver] of [['postgres', postgresUrl, 'pg'], ['mysql', mysqlUrl, 'mysql2']] as const) {
    await t.test(database, { skip: await unavailable(database) }, async (t) => {
      const sentence = new RegExp(`needs the package ${driver}, which is not installed: npm install ${driver}\n$`)
      t.match(await cli(cwd, ['migrate'], { url }), { exitCode: 1, stdout: '', stderr: sentence })
      await execute('npm', ['install', '--no-audit', '--no-fund', driver], { cwd })
      await runAll(t, cwd, url, ['--table-prefix', tablePrefixAt(emptyPlace(t, database))])
    })
  }
})
