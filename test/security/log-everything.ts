// search-log.ts preloads this file into each process of the tests. It writes each log line to one file,
// and each hashed value to another.
import crypto from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { createRequire, syncBuiltinESMExports } from 'node:module'
import type { FastifyServerOptions } from 'fastify'
import { destination, multistream } from 'pino'

const file = `${process.env.SEARCHED_LOG}/${process.pid}`

// The app hashes each token and admin key that it creates, is configured with or receives, valid or not.
// No log may hold any of them.
const { hash } = crypto
const noted = new Set<unknown>()
Object.assign(crypto, {
  hash (...parameters: Parameters<typeof hash>) {
    const [algorithm, value] = parameters
    // A shorter value is no key or token, and may occur in any line.
    if (algorithm === 'sha256' && typeof value === 'string' && value.length >= 16 && !noted.has(value)) {
      noted.add(value)
      appendFileSync(`${file}.secrets`, `${JSON.stringify(value)}\n`)
    }
    return hash(...parameters)
  }
})
syncBuiltinESMExports()

// Fastify loads this function later. An app without a logger never calls one, so that a hook could not replace it.
const factory = createRequire(import.meta.url)('fastify/lib/logger-factory.js')
const { createLogger } = factory
let searched: ReturnType<typeof destination>
factory.createLogger = ({ logger, ...options }: FastifyServerOptions) => {
  // Synchronous, because some of the processes are killed.
  searched ??= destination({ dest: `${file}.log`, sync: true })
  // The log of the app itself stays as it is.
  const { level = 'info', stream = destination(1), ...own } = Object(logger)
  const streams = [{ level: 'trace', stream: searched }, ...(logger ? [{ level, stream }] : [])]
  return createLogger({ ...options, logger: { ...own, level: 'trace', stream: multistream(streams) } })
}
