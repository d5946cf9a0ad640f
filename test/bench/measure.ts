import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { peer } from './peer.js'

export interface Figure { median: number, minimum: number, maximum: number }

export function figure (values: number[]): Figure {
  const sorted = [...values].sort((a, b) => a - b)
  return { median: sorted[sorted.length >> 1] as number, minimum: sorted[0] as number, maximum: sorted.at(-1) as number }
}

/** CPU of each in microseconds per operation, in rounds that alternate. */
export async function measureCpu (works: Record<string, (n: number) => Promise<unknown>>, { rounds, operations }: { rounds: number, operations: number }): Promise<Record<string, Figure>> {
  const all = Object.entries(works)
  const figures = Object.fromEntries(all.map(([name]) => [name, [] as number[]]))
  for (let round = -1; round < rounds; round++) {
    for (const [name, work] of all) {
      const before = process.cpuUsage()
      for (let n = 0; n < operations; n++) await work(n)
      const { user, system } = process.cpuUsage(before)
      // The first round warms up.
      if (round >= 0) figures[name]?.push((user + system) / operations)
    }
  }
  return Object.fromEntries(Object.entries(figures).map(([name, values]) => [name, figure(values)]))
}

export interface Request {
  method?: 'GET' | 'POST'
  path: string | ((n: number) => string)
  headers?: (server: Server, n: number) => Record<string, string>
  body?: (n: number) => object
}

export interface Server { name: string, process: ChildProcess, url: string, token: string | undefined, adminKey: string }

export async function serve (name: string, filename: string): Promise<Server> {
  const child = fork(fileURLToPath(new URL('serve.ts', import.meta.url)), [name, filename], { execArgv: ['--import', import.meta.resolve('tsx')] })
  const [{ url, token, adminKey }] = await once(child, 'message')
  return { name, process: child, url, token, adminKey }
}

/** Requests per second over HTTP, and the server's CPU per request in microseconds, in rounds that alternate. */
export async function measureHttp (servers: Record<string, Server>, request: Request, { rounds, seconds }: { rounds: number, seconds: number }) {
  const autocannon = (await peer('autocannon')).default
  const figures = Object.fromEntries(Object.keys(servers).map((name) => [name, { rate: [] as number[], cpu: [] as number[] }]))
  let n = 0
  for (let round = -1; round < rounds; round++) {
    for (const [name, server] of Object.entries(servers)) {
      await cpuSince(server)
      const result = await autocannon({
        url: server.url,
        connections: 20,
        duration: round < 0 ? 1 : seconds,
        requests: [{
          method: request.method ?? 'GET',
          setupRequest: (defaults: object) => {
            n++
            const body = request.body?.(n)
            return {
              ...defaults,
              path: typeof request.path === 'string' ? request.path : request.path(n),
              headers: { ...request.headers?.(server, n), ...(body && { 'content-type': 'application/json' }) },
              ...(body && { body: JSON.stringify(body) })
            }
          }
        }]
      })
      const cpu = await cpuSince(server)
      if (result.non2xx > 0 || result.errors > 0) throw new Error(`${name}: ${result.non2xx} replies were no success, ${result.errors} requests failed`)
      if (round < 0) continue
      figures[name]?.rate.push(result.requests.total / result.duration)
      figures[name]?.cpu.push(cpu / result.requests.total)
    }
  }
  return Object.fromEntries(Object.entries(figures).map(([name, { rate, cpu }]) => [name, { rate: figure(rate), cpu: figure(cpu) }]))
}

async function cpuSince (server: Server): Promise<number> {
  server.process.send({})
  const [{ cpu }] = await once(server.process, 'message')
  return cpu
}
