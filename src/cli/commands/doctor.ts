import { Kysely } from 'kysely'
import type { OpenVexaAdmin, StorageAdapter } from '../../index.js'
import { version } from '../../version.js'
import type { Cli } from '../cli.js'
import { databaseChecks, type Check } from '../database-checks.js'
import { defineCommand } from '../command.js'
import { describeError } from '../describe-error.js'
import { databaseOptions, type Values } from '../options.js'
import type { Columns } from '../output.js'
import { openStorage } from '../services.js'
import { createDialect, createStorage, databaseOf } from '../storage.js'

interface Finding {
  check: string
  ok: boolean
  detail: string
}

const columns: Columns<Finding> = [
  ['CHECK', ({ check }) => check],
  ['STATE', ({ ok }) => ok ? 'ok' : 'wrong'],
  ['DETAIL', ({ detail }) => detail]
]

export const doctor = defineCommand({
  summary: 'Check the database, and print what is wrong',
  details: 'Checks the connection, the settings of the server, the tables, the clock and the rows. Changes nothing. ' +
    'The exit code is 1 if something is wrong.',
  arguments: [],
  options: databaseOptions,
  examples: [['Check the database of DATABASE_URL', 'npx fastify-vexa-admin doctor']],
  async run (cli, { values }) {
    const findings: Finding[] = []
    const look = async ([check, find]: Check) => {
      try {
        findings.push({ check, ok: true, detail: await find() })
      } catch (error) {
        findings.push({ check, ok: false, detail: describeError(error, doctor).message })
      }
    }
    const storage = await createStorage(cli, values, {})
    await look(['versions', async () => `fastify-vexa-admin ${version}, Node.js ${process.versions.node}`])
    let services: OpenVexaAdmin | undefined
    await look(['tables and settings', async () => {
      services = await openStorage(cli, storage)
      return 'up to date, and safe'
    }])
    if (services !== undefined) {
      for (const check of [...serviceChecks(storage, services), ...await sqlChecks(cli, values)]) await look(check)
    }
    await cli.output.list([findings], columns)
    return findings.every(({ ok }) => ok) ? undefined : 'not done'
  }
})

/** Returns the checks that apply to every storage. */
function serviceChecks (storage: StorageAdapter, { audit, ping }: OpenVexaAdmin): Check[] {
  const at = new Date().toISOString()
  return [
    ['connection', async () => {
      const start = performance.now()
      await ping()
      return `answers in ${(performance.now() - start).toFixed(1)} ms`
    }],
    ['users', async () => String(await storage.countUsers())],
    ['tokens', async () => String(await storage.countTokens())],
    ['expired tokens', async () => String(await storage.countTokens({ state: { is: 'expired', at } }))],
    ['audit trail', async () => {
      const [last] = await audit.list({ limit: 1 })
      return last === undefined ? 'no entries: the option audit of the app may be off' : `last entry at ${last.at}`
    }]
  ]
}

/** Returns the checks that need SQL. Returns none for a storage that `--storage` names. */
async function sqlChecks (cli: Cli, values: Values<typeof databaseOptions>): Promise<Check[]> {
  if (values.storage !== undefined) return []
  const database = databaseOf(cli, values)
  const db = new Kysely<any>({ dialect: createDialect(cli, database) })
  cli.defer(() => db.destroy())
  const filename = database.kind === 'sqlite' ? database.filename : undefined
  return databaseChecks(db, database.kind, values['table-prefix'] ?? 'vexa_', filename)
}
