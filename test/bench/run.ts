// Measures all works in one run: npm run bench [-- rounds [work…]].
// With --quick in place of the rounds it checks that each work runs, and its figures mean nothing.
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { auditTrail } from './works/audit-trail.js'
import { millionUsers } from './works/million-users.js'
import { postgres } from './works/postgres.js'
import { routes } from './works/routes.js'
import { start } from './works/start.js'
import { tokenChecks } from './works/token-checks.js'

export interface Bench {
  /** Folder of the database files. */
  directory: string
  /** Number of rounds. */
  rounds: number
  /** Seconds of each measurement over HTTP. One in process takes a sixth of it. */
  seconds: number
  /** Users in most databases, each with three tokens. At least 2000, because the works use 4000 of the tokens. */
  users: number
  /** Users in the large database. */
  million: number
}

const full = { rounds: 5, seconds: 3, users: 10_000, million: 1_000_000 }
const quick = { rounds: 1, seconds: 0.1, users: 2000, million: 20_000 }

const works: Record<string, (bench: Bench) => Promise<void>> = {
  'token-checks': tokenChecks,
  routes,
  'million-users': millionUsers,
  postgres,
  'audit-trail': auditTrail,
  start
}

const [length = '5', ...names] = process.argv.slice(2)
const size = length === '--quick' ? quick : { ...full, rounds: Number(length) }
const directory = mkdtempSync(join(tmpdir(), 'bench-'))
console.log(
  `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}; ${size.rounds} rounds each, median (minimum to maximum)\n`
)
if (size === quick) {
  console.log('With --quick the run only shows that each contender works. Its figures mean nothing.\n')
}
try {
  for (const name of names.length > 0 ? names : Object.keys(works)) {
    if (works[name] === undefined) throw new Error(`There is no ${name}: ${Object.keys(works).join(', ')}`)
    await works[name]({ directory, ...size })
  }
} finally {
  rmSync(directory, { recursive: true, force: true })
}
process.exit()
