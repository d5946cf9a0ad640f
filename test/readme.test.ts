import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import t from 'tap'
import { resolveOptions } from '../src/options.js'
import * as api from '../src/index.js'
import { hasValidChecksum } from './checksum.js'
import { run } from './child.js'
import { adminKey, build } from './helpers.js'

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

t.test('its first program mounts the API', async (t) => {
  const [, program = ''] = /```ts\n(import Fastify.*?)```/s.exec(readme) ?? []
  t.match(program, /await app.register\(vexaAdmin/)
  const app = await build(t)
  const [, calls = ''] = /```ts\n(const user = .*?)```/s.exec(readme) ?? []
  const AsyncFunction = (async () => {}).constructor as new (...source: string[]) => (app: unknown) => Promise<string>
  t.match(await new AsyncFunction('app', `${calls}; return token`)(app), /^vex_/)
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
  const app = await build(t)
  for (const route of firstColumn('## Routes')) {
    const [method, path] = route.split(' ') as [string, string]
    t.ok(app.hasRoute({ method, url: `/admin${path}` } as never), route)
  }
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
