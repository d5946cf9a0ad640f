// Preloaded by search-log.ts into each process of the tests. One file gets all logs, another all hashed texts.
import crypto from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { createRequire, syncBuiltinESMExports } from 'node:module'
import type { FastifyServerOptions } from 'fastify'
import { destination, multistream } from 'pino'

const file = `${process.env.SEARCHED_LOG}/${process.pid}`

// Tokens and admin keys are hashed when they are created, configured or sent. So are wrong keys, which are secrets too.
const { hash } = crypto
const noted = new Set<unknown>()
Object.assign(crypto, {
  hash (...parameters: Parameters<typeof hash>) {
    const [algorithm, value] = parameters
    // A shorter text is neither a token nor a key, and any line may contain it.
    if (algorithm === 'sha256' && typeof value === 'string' && value.length >= 16 && !noted.has(value)) {
      noted.add(value)
      appendFileSync(`${file}.secrets`, `${JSON.stringify(value)}\n`)
    }
    return hash(...parameters)
  }
})
syncBuiltinESMExports()

// Fastify is loaded later and takes this function from here. An app without a logger cannot get one afterwards.
const factory = createRequire(import.meta.url)('fastify/lib/logger-factory.js')
const { createLogger } = factory
let searched: ReturnType<typeof destination>
factory.createLogger = ({ logger, ...options }: FastifyServerOptions) => {
  // Synchronous, because tests kill some of the processes.
  searched ??= destination({ dest: `${file}.log`, sync: true })
  // An app keeps the logger that it has.
  const { level = 'info', stream = destination(1), ...own } = Object(logger)
  const streams = [{ level: 'trace', stream: searched }, ...(logger ? [{ level, stream }] : [])]
  return createLogger({ ...options, logger: { ...own, level: 'trace', stream: multistream(streams) } })
}
