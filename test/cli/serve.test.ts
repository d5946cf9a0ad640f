import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import t from 'tap'
import { cliHome, runCli, serve } from '../support/cli.js'

t.test('serve: prints a key of its own, which the curl line uses, and stops when told', async (t) => {
  const { url, output, stop } = await serve(t, [])
  const [, key = '', api = ''] = /curl -H 'X-Admin-API-Key: (\S+)' (\S+)/.exec(output().stdout) ?? []
  t.equal(api, `${url}/admin/users`)
  t.notMatch(output().stderr, key, 'the log does not have the key')
  const headers = { 'x-admin-api-key': key, 'content-type': 'application/json' }
  const reply = await fetch(`${url}/admin/users`, { method: 'POST', headers, body: '{"email":"jane@example.com"}' })
  t.equal(reply.status, 201)
  t.match(await (await fetch(`${url}/admin/users/user-1/tokens`, { method: 'POST', headers, body: '{}' })).json(),
    { start: /^vex_/ })
  t.match(await (await fetch(`${url}/admin/audit`, { headers })).json(), [{}, { action: 'user.created' }])
  const health = await fetch(`${url}/health`)
  t.match([health.status, await health.json()], [200, { status: 'ok' }])
  t.equal(await stop('SIGINT'), 0)
})

t.test('serve: takes its keys from a file, its scopes, prefixes and path from options', async (t) => {
  const { directory } = cliHome(t)
  writeFileSync(`${directory}/keys`, '# Jane\nthe-first-of-the-keys\r\n\n  # John\nthe-second-of-the-keys\n')
  const options = ['--key-file', 'keys', '--scope', 'bot,read', '--token-prefix', 'acme_', '--prefix', '/internal']
  const { url, output } = await serve(t, [...options, '--no-audit', '--log-level', 'silent', '--json'],
    { directory, env: { ADMIN_API_KEY: 'a-key-that-is-ignored' } })
  t.same(output().values(), [{ url: `${url}/internal`, console_url: `${url}/internal/console/` }])
  t.equal(output().stderr, '')
  const headers = { 'x-admin-api-key': 'the-second-of-the-keys' }
  t.match(await (await fetch(`${url}/internal/settings`, { headers })).json(),
    { scopes: ['bot', 'read'], token_prefixes: ['acme_'], audit: false })
  const other = await fetch(`${url}/internal/settings`, { headers: { 'x-admin-api-key': 'a-key-that-is-ignored' } })
  t.equal(other.status, 401)
})

t.test('serve: reads ADMIN_API_KEY, and prints no key', async (t) => {
  const env = { ADMIN_API_KEY: 'a-key-from-the-environment' }
  const { url, output } = await serve(t, ['--database', 'sqlite::memory:'], { env })
  t.equal(output().stdout, `The API is at ${url}/admin and the console at ${url}/admin/console/\n`)
  t.equal((await fetch(`${url}/admin/users`, { headers: { 'x-admin-api-key': env.ADMIN_API_KEY } })).status, 200)
})

t.test('serve: / redirects to the console under any prefix, unless the console is off', async (t) => {
  for (const [prefix, location] of [
    ['/admin', 'admin/console/'], ['', 'console/'], ['/a/b', 'a/b/console/']
  ] as const) {
    const { url } = await serve(t, ['--database', 'sqlite::memory:', '--prefix', prefix])
    const redirect = await fetch(url, { redirect: 'manual' })
    t.same([redirect.status, redirect.headers.get('location')], [302, location])
    const page = await fetch(url)
    t.same([page.status, page.url], [200, `${url}${prefix}/console/`])
    t.match(page.headers.get('content-security-policy'), /require-trusted-types-for 'script'/)
  }
  const env = { ADMIN_API_KEY: 'a-key-from-the-environment' }
  const { url, output } = await serve(t, ['--database', 'sqlite::memory:', '--no-console'], { env })
  t.equal(output().stdout, `The API is at ${url}/admin\n`)
  for (const path of ['/', '/admin/console', '/admin/console/']) t.equal((await fetch(url + path)).status, 404)
})

t.test('serve: /health returns 503 while the storage cannot answer', async (t) => {
  const { directory } = cliHome(t)
  const file = new URL('../../examples/custom-storage.ts', import.meta.url)
  writeFileSync(`${directory}/storage.mjs`, `import { MemoryStorage } from '${file}'
    const storage = new MemoryStorage()
    storage.findTokenByHash = () => { throw new Error('away') }
    export default () => storage`)
  const { url } = await serve(t, ['--storage', 'storage.mjs'], { directory })
  const health = await fetch(`${url}/health`)
  t.match([health.status, await health.json()], [503, { status: 'unavailable' }])
  t.equal(health.headers.get('retry-after'), '1')
})

t.test('serve: --vexa replies as the admin service of Vexa, to tokens of any form of Vexa', async (t) => {
  const { cli, directory } = cliHome(t)
  const bare = '0123456789abcdefghijABCDEFGHIJ0123456789'
  const prefixed = [`vxa_user_${'a1'.repeat(16)}`, `vxa_bot_${'Zz09'.repeat(9)}`]
  const values = [bare, ...prefixed, 'my-own-static-key', 'x{1,2}', 'static-42']
  await cli(['import'], {
    input: [
      { user: { ref: '7', id: 'user-7', email: 'jane@example.com' } },
      ...values.map((value) => ({ token: { user: '7', value } }))
    ].map((line) => JSON.stringify(line)).join('\n')
  })
  const env = {
    ADMIN_API_KEY: 'the-key-of-the-operators',
    ADMIN_API_TOKEN: 'the-key-of-the-clients-of-vexa',
    ANALYTICS_API_TOKEN: 'the-key-of-the-analytics',
    INTERNAL_API_SECRET: 'the-secret-of-the-gateway'
  }
  const forms = ['--legacy-token', '/[\\w-]{17}/', '--legacy-token', 'x.{1,5}', '--legacy-token', '/STATIC-\\d\\d/i']
  const { url, output, stop } = await serve(t, ['--vexa', '--json', ...forms], { directory, env })
  t.same(output().values(), [
    { url: `${url}/api/admin`, vexa_url: url, console_url: `${url}/api/admin/console/` }
  ])
  t.same(await (await fetch(url)).json(), { message: 'Vexa Admin API' })
  t.equal((await fetch(`${url}/api/admin/console`)).status, 200)
  const statusOf = async (path: string, key: string) =>
    (await fetch(url + path, { headers: { 'x-admin-api-key': key } })).status
  t.equal(await statusOf('/api/admin/users', env.ADMIN_API_KEY), 200)
  t.equal(await statusOf('/admin/users', env.ADMIN_API_TOKEN), 200)
  t.equal(await statusOf('/admin/users', env.ADMIN_API_KEY), 403)
  t.equal(await statusOf('/admin/analytics/users', env.ANALYTICS_API_TOKEN), 200)
  for (const token of values) {
    const reply = await fetch(`${url}/internal/validate`, {
      method: 'POST',
      headers: { 'x-internal-secret': env.INTERNAL_API_SECRET, 'content-type': 'application/json' },
      body: JSON.stringify({ token })
    })
    t.match([reply.status, await reply.json()], [200, { user_id: 1, email: 'jane@example.com' }])
  }
  t.match(await (await fetch(`${url}/health`)).json(), { status: 'ok' })
  t.equal(await stop(), 0)
})

t.test('serve: --vexa has the first admin key, no analytics key and no secret by default', async (t) => {
  const env = { ADMIN_API_KEY: 'the-key-of-the-operators' }
  const { url, output } = await serve(t, ['--vexa', '--prefix', '/operators'], { env })
  t.equal(output().stdout,
    `The API is at ${url}/operators, the API of Vexa at ${url}, and the console at ${url}/operators/console/\n`)
  const headers = { 'x-admin-api-key': env.ADMIN_API_KEY }
  t.match(await (await fetch(`${url}/operators/settings`, { headers })).json(), { scopes: ['bot', 'tx', 'browser'] })
  t.equal((await fetch(`${url}/admin/users`, { headers })).status, 200)
  t.equal((await fetch(`${url}/internal/validate`, { method: 'POST' })).status, 503)
})

t.test('serve: --vexa rejects keys and options that Vexa cannot have', async (t) => {
  const { cli } = cliHome(t)
  for (const [args, env, sentence] of [
    [['--scope', 'read'], {}, /leave out --scope and --token-prefix/],
    [['--token-prefix', 'a_'], {}, /leave out --scope and --token-prefix/],
    [['--prefix', '/admin'], {}, /needs the path \/admin\/users, which the app has already/],
    [[], { ADMIN_API_TOKEN: 'changeme' }, /`adminKey` of vexaCompatibility must have at least 16/]
  ] as const) {
    const result = await cli(['serve', '--vexa', '--log-level', 'silent', ...args], { env })
    t.match(result, { exitCode: 2, stdout: '', stderr: sentence })
  }
})

t.test('serve: ends with one sentence when it cannot start', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as { port: number }
  const directory = t.testdir({
    empty: '\n# the-comment-of-the-file\n',
    short: '# Jane\n\na-brief-key\n',
    same: 'the-first-of-the-keys\n\nthe-first-of-the-keys\n'
  })
  for (const [args, exitCode, sentence] of [
    [['--port', String(port)], 1, /address already in use 127\.0\.0\.1:\d+\n$/],
    [['--database', 'sqlite:/nowhere/at/all.db'], 1, /the storage cannot be opened: SQLite cannot open \/nowhere/],
    [['--key-file', 'missing'], 1, /The file \S+missing cannot be read \(ENOENT\)\n$/],
    [['--key-file', 'empty'], 2, /The file \S+empty has no admin key/],
    [['--key-file', 'short'], 2, /Line 3 of \S+short is no admin key: expected at least 16 printable ASCII characters/],
    [['--key-file', 'same'], 2, /Line 3 of \S+same has the same key as line 1\. Help/],
    [['--prefix', 'admin'], 2, /`prefix` must be empty, or a path such as/],
    [['--legacy-token', '/[/'], 2, /--legacy-token: Expected a regular expression, such as/],
    [['--legacy-token', '/abc/x'], 2, /--legacy-token: Expected a regular expression, such as .* with a flag: \/key/]
  ] as const) {
    const result = await runCli(directory, ['serve', '--log-level', 'silent', ...args])
    t.match(result, { exitCode, stdout: '', stderr: sentence })
    t.equal(result.stderr.split('\n').length, 2, 'one line')
    t.notMatch(result.stderr, /the-first-of-the-keys|a-brief-key/)
  }
})
