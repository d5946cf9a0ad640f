// The packed package over node:sqlite, in an app without better-sqlite3, with each runtime that has node:sqlite.
import { chmodSync, existsSync, readFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { emptyApp, execute } from '../packed/tools.js'
import { run, runCommand } from '../support/child.js'
import { crash } from '../support/crashes.js'
import { emptyPlace } from '../support/databases.js'
import { adminKey } from '../support/helpers.js'
import { send } from '../support/send.js'
import { recordResult } from './results.js'

const cwd = await emptyApp(t, ['--omit=optional', 'fastify', 'kysely'], {
  'runtime.mts': readFileSync(join(import.meta.dirname, 'runtime.mts'), 'utf8')
})

/** The program of each runtime in test/engines/node_modules, and its arguments before the script. */
const runtimes: Record<string, [program: string, ...args: string[]]> = {
  'Node.js 22': ['node22/bin/node', '--disable-warning=ExperimentalWarning'],
  'Node.js 24': ['node24/bin/node'],
  'Node.js 26': ['node26/bin/node'],
  Bun: ['@oven/bun-linux-x64/bin/bun'],
  Deno: ['@deno/linux-x64-glibc/deno', 'run', '--allow-all']
}

/** Returns the reason why a runtime cannot run here, or `false`. Throws instead if `CI=true`. */
function missing (name: string, program: string): string | false {
  if (existsSync(program)) return false
  const reason = `npm has not installed ${name} for ${process.platform} ${process.arch}`
  // The packages are for the machines of CI.
  if (process.env.CI === 'true') throw new Error(reason)
  return reason
}

for (const [name, [path, ...flags]] of Object.entries(runtimes)) {
  const program = join(import.meta.dirname, 'node_modules', path)
  const skip = missing(name, program)
  // The packages of Bun and Deno leave this to an install script of another package.
  if (!skip) chmodSync(program, 0o755)
  const start = (place: string) =>
    runCommand(t, program, [...flags, 'runtime.mts', 'serve', place.replace('sqlite:', '')], { cwd })

  t.test(`${name}: passes the conformance suite`, { skip }, async (t) => {
    const directory = dirname(emptyPlace(t, 'sqlite').replace('sqlite:', ''))
    const output = await execute(program, [...flags, 'runtime.mts', 'conformance', directory], { cwd })
    const { version, cases, failures } = JSON.parse(output)
    t.ok(cases > 100)
    recordResult({ engine: `node:sqlite of ${name}`, version, passed: cases - failures.length, total: cases })
    t.same(failures, [])
  })

  t.test(`${name}: has all acknowledged changes after kill -9`, { skip }, async (t) => {
    const place = emptyPlace(t, 'sqlite')
    await crash(t, place, { rounds: 2, serve: () => start(place) })
  })

  t.test(`${name}: reads go on and writes wait while another process writes`, { skip }, async (t) => {
    const place = emptyPlace(t, 'sqlite')
    const server = start(place)
    const url = await server.line(/^http/)
    const agent = new Agent({ keepAlive: true })
    t.teardown(() => agent.destroy())
    const headers = { 'x-admin-api-key': adminKey }
    const create = (email: string) => send(agent, 'POST', `${url}/admin/users`, headers, { email })
    t.match(await create('a@b'), { status: 201, body: { id: 'user-1' } })
    t.match(await create('a@b'), { status: 409, body: { code: 'VEXA_ADMIN_ERR_EMAIL_TAKEN' } })

    const lock = async () => {
      const holder = run(t, 'test/support/fixtures/hold-lock.ts', { args: [place.replace('sqlite:', '')] })
      await holder.line(/locked/)
      return async () => {
        holder.process.kill('SIGKILL')
        await holder.exit
      }
    }
    let release = await lock()
    const order: string[] = []
    const written = create('c@d').then(({ status }) => { order.push('write'); return status })
    for (let n = 0; n < 10; n++) {
      t.equal((await send(agent, 'GET', `${url}/admin/users`, headers)).status, 200)
      await sleep(20)
    }
    order.push('reads')
    await release()
    t.equal(await written, 201)
    t.same(order, ['reads', 'write'])

    release = await lock()
    t.match(await create('e@f'), { status: 503 })
    await server.line(/"storageCode":"SQLITE_BUSY"/)
    await release()
    server.process.kill('SIGTERM')
    t.equal(await server.exit, 0)
  })

  t.test(`${name}: runs the command line`, { skip }, async (t) => {
    const place = join(t.testdir(), 'admin.db')
    const cli = (...args: string[]) => execute(program, [
      ...flags, 'node_modules/fastify-vexa-admin/dist/cli/bin.js', ...args, '--database', `sqlite:${place}`
    ], { cwd })
    await t.rejects(cli('user', 'list'), { message: /There is no database/ })
    await cli('migrate')
    await cli('user', 'create', 'a@b')
    t.match(await cli('token', 'create', 'user-1'), /vex_\w{36}/)
    t.match(await cli('doctor', '--json'), /"check":"integrity","ok":true/)
    await cli('backup', `${place}.copy`)
    t.match(await execute(program, [
      ...flags, 'node_modules/fastify-vexa-admin/dist/cli/bin.js', 'user', 'list', '--database', `sqlite:${place}.copy`
    ], { cwd }), /a@b/)
  })
}
