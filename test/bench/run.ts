// Everything side by side in one run: npm run bench [-- rounds]
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { contenders, type Contender } from './apps/index.js'
import { measureCpu, measureHttp, serve, type Figure, type Request, type Server } from './measure.js'
import { seed } from './seed.js'

const rounds = Number(process.argv[2] ?? 5)
const directory = mkdtempSync(join(tmpdir(), 'bench-'))
const reference = 'by hand'

console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}; ${rounds} rounds each, median (minimum to maximum)\n`)
try {
  await inProcess()
  await overHttp()
} finally {
  rmSync(directory, { recursive: true, force: true })
}

function table (title: string, unit: string, rows: Record<string, Figure>) {
  const base = rows[reference]?.median
  console.log(`### ${title}\n\n| | of by hand | ${unit} |\n| --- | --- | --- |`)
  for (const [name, { median, minimum, maximum }] of Object.entries(rows)) {
    const digits = median < 1000 ? 2 : 0
    console.log(`| ${name} | ${base === undefined ? '' : (median / base).toFixed(2)} | ${median.toFixed(digits)} (${minimum.toFixed(digits)} to ${maximum.toFixed(digits)}) |`)
  }
  console.log()
}

/** Contenders over copies of one database each: writers of one file would wait for each other. */
async function start<T> (names: string[], users: number, how: (name: string, filename: string) => Promise<T>): Promise<{ started: Record<string, T>, tokens: Record<string, string[]> }> {
  const started: Record<string, T> = {}
  const tokens: Record<string, string[]> = {}
  for (const name of names) {
    const filename = join(directory, `${users}-${name.replace(/\W/g, '')}-${Math.random()}.db`)
    tokens[name] = await seed(filename, users)
    started[name] = await how(name, filename)
  }
  return { started, tokens }
}

async function inProcess () {
  const names = Object.keys(contenders).filter((name) => name !== 'constant JSON' && !name.startsWith('@fastify'))
  const { started, tokens } = await start(names, 10_000, (name, filename) => (contenders[name] as (filename: string) => Promise<Contender>)(filename))
  for (const { app } of Object.values(started)) await app.ready()
  const checks = (only: string[], token: (name: string, n: number) => string) => Object.fromEntries(only.map((name) =>
    [name, (n: number) => started[name]?.check?.(started[name]?.token ?? token(name, n)) as Promise<unknown>]))
  const some = (name: string, n: number) => tokens[name]?.[n * 7919 % (tokens[name] as string[]).length] as string

  table('A token check in process', 'µs of CPU', await measureCpu(checks(names, some), { rounds, operations: 3000 }))
  const mine = [reference, 'fastify-vexa-admin', 'Kysely, the plain way']
  const malformed = await measureCpu(checks(mine.slice(0, 2), () => 'vex_000000000000000000000000000000000000'), { rounds, operations: 10_000 })
  table('A refused, malformed token', 'µs of CPU', malformed)
  const atOnce = Object.fromEntries(Object.entries(checks(mine, some)).map(([name, check]) =>
    [name, (n: number) => Promise.all(Array.from({ length: 4000 }, (_, i) => check(n + i)))]))
  table('4,000 token checks at once', 'µs of CPU for all', await measureCpu(atOnce, { rounds, operations: 3 }))
  for (const { app } of Object.values(started)) await app.close()
}

async function overHttp () {
  const withToken = (tokens: Record<string, string[]>): Request => ({
    path: '/me',
    headers: ({ token, name }, n) => ({ ...(token !== undefined && name.startsWith('@fastify') ? { authorization: `Bearer ${token}` } : { 'x-api-key': token ?? tokens[name]?.[n * 7919 % 30_000] as string }) })
  })
  const all = await start(Object.keys(contenders), 10_000, serve)
  const guarded = await measureHttp(all.started, withToken(all.tokens), { rounds, seconds: 3 })
  tables('A route behind a token', guarded)

  const { [reference]: hand, 'fastify-vexa-admin': ours } = all.started
  const servers = { [reference]: hand as Server, 'fastify-vexa-admin': ours as Server }
  const headers = ({ adminKey }: Server) => ({ 'x-admin-api-key': adminKey })
  const works: Record<string, Request> = {
    'A list of 100 users': { path: '/admin/users?limit=100', headers },
    'A user with its tokens': { path: (n) => `/admin/users/user-${n % 10_000 + 1}`, headers },
    'Creating a user': { method: 'POST', path: '/admin/users', headers, body: (n) => ({ email: `new${n}@example.com`, name: 'New User' }) },
    'Minting a token': { method: 'POST', path: (n) => `/admin/users/user-${n % 10_000 + 1}/tokens`, headers }
  }
  for (const [title, request] of Object.entries(works)) tables(title, await measureHttp(servers, request, { rounds, seconds: 3 }))
  for (const { process } of Object.values(all.started)) process.kill()
}

function tables (title: string, figures: Awaited<ReturnType<typeof measureHttp>>) {
  const only = (which: 'rate' | 'cpu') => Object.fromEntries(Object.entries(figures).map(([name, all]) => [name, all[which]]))
  table(`${title}, over HTTP`, 'requests/s', only('rate'))
  table(`${title}, over HTTP`, 'µs of the server\'s CPU', only('cpu'))
}
