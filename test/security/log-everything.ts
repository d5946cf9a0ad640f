// Preloaded by search-log.ts into every process of the tests: all that an app logs goes into a file, all that is hashed into another.
import crypto from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { createRequire, syncBuiltinESMExports } from 'node:module'
import type { FastifyServerOptions } from 'fastify'
import { destination, multistream } from 'pino'

const file = `${process.env.SEARCHED_LOG}/${process.pid}`

// Tokens and admin keys are hashed wherever they are made, configured or sent. So are wrong keys, which no log is to hold either.
const { hash } = crypto
const noted = new Set<unknown>()
Object.assign(crypto, {
  hash (...parameters: Parameters<typeof hash>) {
    const [algorithm, value] = parameters
    // A shorter one is neither, and may be part of any line.
    if (algorithm === 'sha256' && typeof value === 'string' && value.length >= 16 && !noted.has(value)) {
      noted.add(value)
      appendFileSync(`${file}.secrets`, `${JSON.stringify(value)}\n`)
    }
    return hash(...parameters)
  }
})
syncBuiltinESMExports()

// Fastify, which is loaded later, takes this function from here. It does not call the logger of an app that is to have none: nothing can be put in its place once there is the app.
const factory = createRequire(import.meta.url)('fastify/lib/logger-factory.js')
const { createLogger } = factory
let searched: ReturnType<typeof destination>
factory.createLogger = ({ logger, ...options }: FastifyServerOptions) => {
  // Synchronous, for some of the processes are killed.
  searched ??= destination({ dest: `${file}.log`, sync: true })
  // A log that the app has is left as it is.
  const { level = 'info', stream = destination(1), ...own } = Object(logger)
  const streams = [{ level: 'trace', stream: searched }, ...(logger ? [{ level, stream }] : [])]
  return createLogger({ ...options, logger: { ...own, level: 'trace', stream: multistream(streams) } })
}
