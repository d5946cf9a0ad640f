import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { adminKey } from './contender.js'
import { peer } from './peer.js'

export interface Figure { median: number, minimum: number, maximum: number }

export function figure (values: number[]): Figure {
  const sorted = [...values].sort((a, b) => a - b)
  return {
    median: sorted[sorted.length >> 1] as number,
    minimum: sorted[0] as number,
    maximum: sorted.at(-1) as number
  }
}

/** Prints figures, and compares each with the first. */
export function table (title: string, unit: string, rows: Record<string, number[]>) {
  const [reference] = Object.keys(rows) as [string]
  const base = figure(rows[reference] as number[]).median
  console.log(`### ${title}\n\n| | of ${reference} | ${unit} |\n| --- | --- | --- |`)
  for (const [name, values] of Object.entries(rows)) {
    const { median, minimum, maximum } = figure(values)
    const digits = median < 1000 ? 2 : 0
    console.log(
      `| ${name} | ${(median / base).toFixed(2)} | ${median.toFixed(digits)} (${minimum.toFixed(digits)} to ${maximum.toFixed(digits)}) |`
    )
  }
  console.log()
}

/** Returns the contenders forwards and backwards in turn, so that none always follows the same one. */
function inTurn<T> (works: T[], round: number): T[] {
  return round % 2 === 0 ? works : works.toReversed()
}

export interface Checks {
  tokens: string[]
  atOnce?: boolean
}

/**
 * Measures the CPU for each check in process, in microseconds, in alternating rounds.
 * Each contender has a process of its own, because an app has no second one beside it.
 */
export async function measureChecks (
  servers: Server[],
  checks: Checks,
  { rounds, seconds }: { rounds: number, seconds: number }
): Promise<Record<string, number[]>> {
  const figures: Record<string, number[]> = Object.fromEntries(servers.map(({ name }) => [name, []]))
  for (let round = -1; round < rounds; round++) {
    for (const { name, process } of inTurn(servers, round)) {
      process.send({ ...checks, seconds: seconds / 6 })
      const [{ cpu }] = await once(process, 'message')
      // The first round warms up.
      if (round >= 0) figures[name]?.push(cpu)
    }
  }
  return figures
}

export interface Server {
  name: string
  process: ChildProcess
  url: string
  /** A token for /me that is not in the database. */
  token: string | undefined
  /** Milliseconds from before the app's modules are loaded until it is ready to listen. */
  ready: number
}

export async function serve (name: string, where: string): Promise<Server> {
  const child = fork(fileURLToPath(new URL('serve.js', import.meta.url)), [name, where])
  const message = await new Promise<object>((resolve, reject) => {
    child.once('message', resolve).once('exit', () => reject(new Error(`${name} does not start`)))
  })
  return { name, process: child, ...message as Omit<Server, 'name' | 'process'> }
}

export async function stop ({ process }: Server): Promise<void> {
  process.kill()
  await once(process, 'exit')
}

export interface Work {
  server: Server
  method?: 'GET' | 'POST'
  path: string | ((n: number) => string)
  headers?: (n: number) => Record<string, string>
  body?: (n: number) => object
}

export const asAdmin = () => ({ 'x-admin-api-key': adminKey })

export interface Usage { cpu: number, delay: number, resident: number }

/** Resources that a server has used since the last message. */
export async function usageOf ({ process }: Server): Promise<Usage> {
  process.send({})
  const [usage] = await once(process, 'message')
  return usage
}

export interface HttpFigures {
  /** Requests per second. */
  rate: Record<string, number[]>
  /** Microseconds of the server's CPU per request. */
  cpu: Record<string, number[]>
  /** Delay of its event loop in milliseconds, 99th percentile. */
  delay: Record<string, number[]>
}

/** Measures requests over twenty connections, in alternating rounds. */
export async function measureHttp (
  works: Record<string, Work>,
  { rounds, seconds }: { rounds: number, seconds: number }
): Promise<HttpFigures> {
  const autocannon = (await peer('autocannon')).default
  const names = Object.keys(works)
  const empty = () => Object.fromEntries(names.map((name): [string, number[]] => [name, []]))
  const figures: HttpFigures = { rate: empty(), cpu: empty(), delay: empty() }
  let n = 0
  for (let round = -1; round < rounds; round++) {
    for (const [name, { server, method = 'GET', path, headers, body }] of inTurn(Object.entries(works), round)) {
      await usageOf(server)
      const result = await autocannon({
        url: server.url,
        connections: 20,
        duration: seconds,
        requests: [{
          method,
          setupRequest: (defaults: object) => {
            n++
            return {
              ...defaults,
              path: typeof path === 'string' ? path : path(n),
              headers: { ...headers?.(n), ...(body && { 'content-type': 'application/json' }) },
              ...(body && { body: JSON.stringify(body(n)) })
            }
          }
        }]
      })
      const { cpu, delay } = await usageOf(server)
      if (result.non2xx > 0 || result.errors > 0) {
        throw new Error(`${name}: ${result.non2xx} replies were no success, ${result.errors} requests failed`)
      }
      if (round < 0) continue
      figures.rate[name]?.push(result.requests.total / result.duration)
      figures.cpu[name]?.push(cpu / result.requests.total)
      figures.delay[name]?.push(delay)
    }
  }
  return figures
}

export function httpTables (title: string, { rate, cpu }: HttpFigures) {
  table(`${title}, over HTTP`, 'requests/s', rate)
  table(`${title}, over HTTP`, 'µs of the server\'s CPU', cpu)
}
