import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { promisify } from 'node:util'
import Fastify from 'fastify'
import t from 'tap'
import * as api from '../src/index.js'
import { sqliteStorage, vexaAdmin } from '../src/index.js'
import { resolveOptions } from '../src/options.js'
import { hasValidChecksum } from './checksum.js'
import { root, run } from './child.js'
import { adminKey } from './helpers.js'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

t.test('each call works as it stands, and answers what is written below it', async (t) => {
  const server = run(t, 'examples/standalone.ts', { cwd: t.testdir(), env: { ADMIN_API_KEY: adminKey, PORT: '0' } })
  const url = JSON.parse(await server.line(/Server listening/)).msg.replace('Server listening at ', '')
  const calls = [...readme.matchAll(/```sh\n(curl .*?)```\n(?:\n```json\n(.*?)```)?/gs)]
  t.equal(calls.length, 5)
  for (const [, call = '', documented] of calls) {
    const { stdout } = await curl(call.replaceAll('http://localhost:3000', url))
    t.equal(varying(stdout.trim()), varying(documented?.trim() ?? ''), call)
  }
  const again = calls.at(-1)?.[1]?.replaceAll('http://localhost:3000', url).trim()
  t.equal((await curl(`${again} -o /dev/null -w '%{http_code}'`)).stdout, '404', 'revoked again')
})

t.test('the token that it shows is one', async (t) => {
  const [token] = readme.match(/vex_[0-9A-Za-z]{36}/) ?? []
  t.ok(hasValidChecksum(token as string))
})

t.test('its programs, one after the other, are one that runs', async (t) => {
  const [mount = '', ...others] = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, program]) => program as string)
  t.equal(others.length, 3)
  const [guards, calls, storage] = others as [string, string, string]
  const listen = /\nawait app.listen.*\n/
  t.match(mount, listen)
  // The options that the guards and a test need, and a look at what came of it.
  const program = storage + mount.replace(listen, '').replace('ADMIN_API_KEY }', "ADMIN_API_KEY, storage, scopes: ['bot'] }") + guards + calls + `
    const ask = async (method, url) => (await app.inject({ method, url, headers: { authorization: 'Bearer ' + token } })).body
    console.log(JSON.stringify([verification.valid, await ask('GET', '/me'), await ask('POST', '/bots')]))
    await app.close()`
  const directory = t.testdir({ 'program.mts': program.replace('/var/lib/my-app/admin.db', ':memory:') })
  const child = run(t, relative(root, `${directory}/program.mts`), { env: { ADMIN_API_KEY: adminKey } })
  const [valid, me, bots] = JSON.parse(await child.line(/^\[/))
  t.equal(valid, true)
  t.match(JSON.parse(me), { id: 'user-1', email: 'jane@example.com' })
  t.same(JSON.parse(bots), { startedBy: 'user-1', with: 'token-1' })
  t.equal(await child.exit, 0)
})

t.test('its table of options is that of the code', async (t) => {
  const options = Object.keys(resolveOptions({ adminKeys: adminKey }))
  t.same(firstColumn('## Options').sort(), [...options, 'authorize'].sort())
})

t.test('its table of errors is that of the code', async (t) => {
  const documented = [...readme.matchAll(/`(VEXA_ADMIN_ERR_\w+)` \|/g)].map(([, code]) => code)
  const codes = Object.entries(api).filter(([name]) => name.endsWith('Error'))
    .map(([, make]) => new (make as new (...args: unknown[]) => { code: string })({}).code)
  t.same(documented.sort(), codes.sort())
})

t.test('its table of routes is that of the code', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  const routes: string[] = []
  app.addHook('onRoute', ({ method, url }) => { routes.push(`${method} ${url.replace('/admin', '')}`) })
  await app.register(vexaAdmin, { adminKeys: adminKey, storage: sqliteStorage({ filename: ':memory:' }) })
  t.same(firstColumn('## Routes').sort(), routes.filter((route) => !route.startsWith('HEAD') && !route.includes('*') && !route.includes(',')).sort())
})

/** What stands in backticks in the first column of the first table below a heading. */
function firstColumn (heading: string): string[] {
  const section = readme.slice(readme.indexOf(`${heading}\n`))
  const table = /(?:^\|.*\n)+/m.exec(section)?.[0] ?? ''
  return [...table.matchAll(/^\| `([^`]+)` \|/gm)].map(([, cell]) => cell as string)
}

function curl (command: string) {
  return promisify(execFile)('bash', ['-c', command.replace(/^curl/, 'curl --silent')], { env: { PATH: process.env.PATH, ADMIN_API_KEY: adminKey } })
}

/** Times and values of tokens differ from run to run. */
function varying (json: string): string {
  return json.replace(/\d{4}-\d\d-\d\dT[\d:.]{12}Z/g, '<time>').replace(/vex_[0-9A-Za-z]{36}/g, '<value>')
}
