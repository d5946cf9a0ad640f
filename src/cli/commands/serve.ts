import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { resolve } from 'node:path'
import type { FastifyInstance } from 'fastify'
import vexaAdmin, { isAudited, type VexaAdminOptions } from '../../index.js'
import { vexaCompatibility, type VexaCompatibilityOptions } from '../../vexa/index.js'
import type { Cli, Process } from '../cli.js'
import { UsageError } from '../cli-errors.js'
import { defineCommand } from '../command.js'
import { readKeyFile } from '../key-file.js'
import { choice, databaseOptions, flag, forms, integer, list, text } from '../options.js'
import { stopSignal } from '../signals.js'
import { createStorage } from '../storage.js'

// In milliseconds. This is longer than a call of the storage may take, so that each reply can be completed.
const longestStop = 15_000

// The options of fastify-vexa-admin with --vexa. With them, the app accepts the tokens that clients of Vexa have.
const vexaOptions = {
  prefix: '/api/admin',
  scopes: ['bot', 'tx', 'browser'],
  tokenPrefix: ['vxa_bot_', 'vxa_tx_', 'vxa_browser_'],
  legacyTokens: [/[0-9A-Za-z]{40}/, /vxa_(?:bot|browser|tx|user)_[0-9A-Za-z]{32,}/],
  maxDataSize: 64 * 1024
} satisfies VexaAdminOptions

export const serve = defineCommand({
  summary: 'Serve the API over HTTP, until SIGINT or SIGTERM',
  details: 'Creates or upgrades the tables if necessary. The admin keys are those of --key-file or of the variable ' +
    'ADMIN_API_KEY. Without either, the command creates a key for this run, and prints it. Each change leaves an entry ' +
    'in the audit trail, and each new token keeps its first characters as start. The console, a page for operators, is at ' +
    'console/ under the path of the routes. GET / redirects to the console, except with --vexa. GET /health returns 200, ' +
    'or 503 while the storage cannot answer. The log is on stderr, as JSON. With --json, stdout has one object with url ' +
    'and console_url, and with admin_key if the command has created it. With --vexa, the API of Vexa has the keys ' +
    'ADMIN_API_TOKEN, ANALYTICS_API_TOKEN and INTERNAL_API_SECRET of the environment. Without ' +
    'ADMIN_API_TOKEN, the API of Vexa has the first admin key.',
  arguments: [],
  options: {
    port: integer('PORT', 'The port, or 0 for any free port. Default: 3000', 0, 65535),
    host: text('HOST', 'The address to listen on. Default: 127.0.0.1, which only this machine can reach'),
    prefix: text('PATH', 'The path of the routes. Default: /admin, or /api/admin with --vexa'),
    vexa: flag("Also serve the API of Vexa's admin service, and accept tokens of the forms of Vexa. The scopes, the " +
      'prefixes of tokens and the size of data are those of Vexa'),
    'key-file': text('FILE', 'A file with an admin key on each line. Blank lines and lines that begin with # are skipped'),
    scope: list('SCOPE', 'A scope that tokens may have'),
    'token-prefix': list('PREFIX', 'The first characters of token values. New tokens get the first prefix. ' +
      'Default: vex_'),
    'legacy-token': forms('FORM', 'A form of values that another system has created, as import prints it'),
    'no-audit': flag('Keep no audit trail'),
    'no-console': flag('Serve the API without the console'),
    'log-level': choice(['debug', 'info', 'warn', 'error', 'silent'], 'What to log. Default: info'),
    ...databaseOptions
  },
  examples: [
    ['Serve the API for a first try', 'npx fastify-vexa-admin serve'],
    [
      'Serve the API over PostgreSQL to other machines',
      'DATABASE_URL=postgres://app@db/app npx fastify-vexa-admin serve --host 0.0.0.0 --key-file /run/secrets/admin-keys'
    ],
    ["Serve Vexa's own clients", 'npx fastify-vexa-admin serve --vexa --port 8001']
  ],
  async run (cli, { values }) {
    const { output, process } = cli
    const { host = '127.0.0.1', port = 3000, scope: scopes, 'token-prefix': tokenPrefix, vexa = false } = values
    const defaults = vexa ? vexaOptions : { prefix: '/admin', legacyTokens: [] }
    const prefix = values.prefix ?? defaults.prefix
    const hasConsole = values['no-console'] !== true
    if (vexa && (scopes ?? tokenPrefix) !== undefined) {
      throw new UsageError('--vexa sets the scopes and the prefixes of tokens: leave out --scope and --token-prefix')
    }
    const given = readKeys(cli, values['key-file'])
    const created = given === undefined ? randomBytes(24).toString('base64url') : undefined
    const adminKeys = given ?? [created as string]
    const storage = await createStorage(cli, values, { migrate: true, serve: true })
    const app = await createApp(process, values['log-level'])
    cli.defer(() => app.close())
    await app.register(vexaAdmin, {
      scopes,
      tokenPrefix,
      ...defaults,
      legacyTokens: [...defaults.legacyTokens, ...values['legacy-token'] ?? []],
      adminKeys,
      storage,
      prefix,
      console: hasConsole,
      tokenStart: true,
      audit: values['no-audit'] !== true && isAudited(storage)
    })
    if (vexa) await app.register(vexaCompatibility, readVexaKeys(process.env, adminKeys[0]))
    else if (hasConsole) app.get('/', (_request, reply) => reply.redirect(`${prefix}/console/`.slice(1)))
    const stopped = once(stopSignal(cli), 'abort')
    const address = await app.listen({ host, port })
    const url = `${address}${prefix}`
    const urls = { url, ...vexa && { vexa_url: address }, ...hasConsole && { console_url: `${url}/console/` } }
    const places = [
      `The API is at ${url}`,
      ...vexa ? [`the API of Vexa at ${address}`] : [],
      ...hasConsole ? [`the console at ${urls.console_url}`] : []
    ]
    await output.done({ ...urls, ...created && { admin_key: created } }, new Intl.ListFormat('en').format(places))
    if (created !== undefined && !output.isJson) {
      await output.text(`ADMIN_API_KEY is not set, so this run has a key of its own: ${created}\n` +
        `Try it: curl -H 'X-Admin-API-Key: ${created}' ${url}/users\n`)
    }
    await stopped
    // Without this limit, a client that never sends the rest of its request would keep the process running for ever.
    setTimeout(() => app.server.closeAllConnections(), longestStop).unref()
  }
})

/** Returns the admin keys of the file or of the environment, or `undefined` if there are none. */
function readKeys ({ process: { cwd, env } }: Cli, file: string | undefined): string[] | undefined {
  if (file === undefined) return env.ADMIN_API_KEY ? [env.ADMIN_API_KEY] : undefined
  return readKeyFile(resolve(cwd(), file))
}

/** Returns the keys in those environment variables that Vexa itself uses. */
function readVexaKeys (env: NodeJS.ProcessEnv, adminKey: string | undefined): VexaCompatibilityOptions {
  return {
    adminKey: env.ADMIN_API_TOKEN || adminKey,
    analyticsKey: env.ANALYTICS_API_TOKEN || undefined,
    internalSecret: env.INTERNAL_API_SECRET || undefined
  }
}

async function createApp ({ stderr }: Process, level = 'info'): Promise<FastifyInstance> {
  // The import is dynamic, so that the other commands work without Fastify.
  const { default: Fastify } = await import('fastify')
  const app = Fastify({
    logger: { level, stream: stderr },
    // In milliseconds. When the app stops, each busy connection is closed after it has been idle for this time. The
    // default is 72 seconds.
    keepAliveTimeout: 5000
  })
  app.get('/health', { logLevel: 'warn' }, async (_request, reply) => {
    try {
      await app.vexaAdmin.ping()
      return { status: 'ok' }
    } catch {
      return reply.code(503).header('retry-after', '1').send({ status: 'unavailable' })
    }
  })
  return app
}
