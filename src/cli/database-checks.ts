import { statSync } from 'node:fs'
import { sql, type Kysely } from 'kysely'
import { NotDoneError } from './cli-errors.js'

/**
 * A check of the command `doctor`: its name, and a function that returns a text about what the check found.
 *
 * @throws if something is wrong. The message says what is wrong
 */
export type Check = readonly [name: string, look: () => Promise<string>]

const versionOf = { sqlite: 'sqlite_version()', postgres: 'version()', mysql: 'version()' }
const secondsOf = { postgres: 'extract(epoch from clock_timestamp())', mysql: 'unix_timestamp(now(6))' }

// In seconds. The process that checks a token uses its own clock, so a clock that is late accepts an expired token.
const largestDifference = 5

/** Returns the checks that need SQL, because no method of the services makes them. */
export function databaseChecks (
  db: Kysely<any>, kind: 'sqlite' | 'postgres' | 'mysql', tablePrefix: string, filename = ''
): Check[] {
  const [users, tokens] = [sql.table(`${tablePrefix}users`), sql.table(`${tablePrefix}tokens`)]

  async function valueOf (expression: ReturnType<typeof sql>): Promise<unknown> {
    const { rows } = await sql<{ value: unknown }>`select ${expression} as value`.execute(db)
    return rows[0]?.value
  }

  const common: Check[] = [
    ['server', async () => String(await valueOf(sql.raw(versionOf[kind])))],
    ['orphaned tokens', async () => {
      const count = Number(await valueOf(sql`(select count(*) from ${tokens} where not exists
        (select 1 from ${users} where ${users}.id = ${tokens}.user_id))`))
      if (count > 0) {
        throw new NotDoneError(`${count} tokens have no user, so foreign keys were off: delete these rows of ` +
          `${tablePrefix}tokens`)
      }
      return '0'
    }]
  ]
  if (kind !== 'sqlite') {
    return [...common, ['clock', async () => {
      const before = Date.now()
      const seconds = Number(await valueOf(sql.raw(secondsOf[kind])))
      const difference = seconds - (before + Date.now()) / 2000
      const text = `${difference.toFixed(1)} s from the clock of this machine`
      if (Math.abs(difference) > largestDifference) throw new NotDoneError(`${text}: synchronise both clocks`)
      return text
    }]]
  }
  return [...common, ['integrity', async () => {
    const { rows: [row] } = await sql<{ quick_check: string }>`pragma quick_check(1)`.execute(db)
    if (row?.quick_check !== 'ok') throw new NotDoneError(`The file is damaged: restore a backup (${row?.quick_check})`)
    return 'ok'
  }], ['permissions', async () => {
    const mode = (statSync(filename).mode & 0o777).toString(8)
    if (!mode.endsWith('0')) throw new NotDoneError(`Others can read the file (mode ${mode}): chmod o= ${filename}`)
    return `mode ${mode}`
  }]]
}
