// Everything side by side in one run: npm run bench [-- rounds [work…]]
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { millionUsers } from './works/million-users.js'
import { postgres } from './works/postgres.js'
import { routes } from './works/routes.js'
import { start } from './works/start.js'
import { tokenChecks } from './works/token-checks.js'

export interface Bench {
  /** For database files. */
  directory: string
  /** How often everything is measured. */
  rounds: number
}

const works: Record<string, (bench: Bench) => Promise<void>> = { 'token-checks': tokenChecks, routes, 'million-users': millionUsers, postgres, start }

const [rounds = '5', ...names] = process.argv.slice(2)
const directory = mkdtempSync(join(tmpdir(), 'bench-'))
console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}; ${rounds} rounds each, median (minimum to maximum)\n`)
try {
  for (const name of names.length > 0 ? names : Object.keys(works)) {
    if (works[name] === undefined) throw new Error(`There is no ${name}: ${Object.keys(works).join(', ')}`)
    await works[name]({ directory, rounds: Number(rounds) })
  }
} finally {
  rmSync(directory, { recursive: true, force: true })
}
process.exit()
