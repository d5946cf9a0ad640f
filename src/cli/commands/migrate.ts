import { KyselyStorage, migrateStorage, openVexaAdmin } from '../../index.js'
import { NotDoneError, UsageError } from '../cli-errors.js'
import { defineCommand } from '../command.js'
import { databaseOptions, flag } from '../options.js'
import { createStorage } from '../storage.js'

export const migrate = defineCommand({
  summary: 'Create or upgrade the tables',
  details: 'Any number of processes may migrate at once. Create the storage of the app with migrate: false if only ' +
    'this command may change the tables.',
  arguments: [],
  options: {
    check: flag('Change nothing. The exit code is 1 if the tables are missing or not up to date'),
    ...databaseOptions
  },
  examples: [
    ['Migrate the database before the app starts', 'npx fastify-vexa-admin migrate'],
    ['Fail a deployment whose database is not migrated', 'npx fastify-vexa-admin migrate --check']
  ],
  async run (cli, { values }) {
    const { check = false } = values
    if (check && values.storage !== undefined) {
      throw new UsageError('--check needs --database, because a storage of your own decides itself whether it migrates')
    }
    const storage = await createStorage(cli, values, { migrate: !check })
    if (!(storage instanceof KyselyStorage)) throw new NotDoneError('Only a KyselyStorage has tables to migrate')
    if (check) {
      const { close } = await openVexaAdmin({ storage })
      await close()
      return cli.output.done({ up_to_date: true }, 'The tables are up to date')
    }
    const { from, to } = await migrateStorage(storage)
    await cli.output.done({ from, to }, from === to
      ? `The tables are up to date, at version ${to}`
      : `The tables went from version ${from} to ${to}`)
  }
})
