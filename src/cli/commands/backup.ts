import { closeSync, fsyncSync, openSync, rmSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { Kysely, sql } from 'kysely'
import { NotDoneError, UsageError } from '../cli-errors.js'
import { defineCommand } from '../command.js'
import { databaseOptions } from '../options.js'
import { createDialect, databaseOf } from '../storage.js'

const remedies = {
  postgres: "pg_dump --table 'vexa_*'",
  mysql: 'mysqldump --single-transaction, with the names of the five tables'
}

export const backup = defineCommand({
  summary: 'Copy a SQLite database to a new file, while the app runs',
  details: 'The copy has the state of one moment, and no deleted data. The command does not replace an existing file. ' +
    'The new file can be read only by its owner. A server has tools of its own: pg_dump and mysqldump.',
  arguments: ['FILE'],
  options: { database: databaseOptions.database },
  examples: [['Copy the database', 'npx fastify-vexa-admin backup "copy-$(date +%F).db"']],
  async run (cli, { args: [file], values }) {
    const database = databaseOf(cli, values)
    if (database.kind !== 'sqlite') throw new UsageError(`Only SQLite is copied. Use ${remedies[database.kind]}`)
    const db = new Kysely<any>({ dialect: createDialect(cli, database) })
    cli.defer(() => db.destroy())
    const path = resolve(cli.process.cwd(), file)
    createNew(path)
    try {
      // `vacuum into` accepts an existing file only if it is empty, and does not change the mode of the file.
      await sql`vacuum into ${path}`.execute(db)
      flush(path)
    } catch (error) {
      rmSync(path)
      throw error
    }
    const { size } = statSync(path)
    await cli.output.done({ file: path, bytes: size }, `Copied ${database.filename} to ${path}: ${size} bytes`)
  }
})

/** Creates an empty file that only its owner can read. */
function createNew (path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new NotDoneError(code === 'EEXIST'
      ? `The file ${path} exists, and is not replaced`
      : `The file ${path} cannot be written (${code})`)
  }
}

/** Waits until the file is on the disk, because `vacuum into` does not wait. */
function flush (path: string): void {
  const handle = openSync(path, 'r+')
  fsyncSync(handle)
  closeSync(handle)
}
