import { UsageError } from '../cli-errors.js'
import { defineCommand } from '../command.js'
import { databaseOptions, time } from '../options.js'
import { openServices } from '../services.js'

export const prune = defineCommand({
  summary: 'Delete expired tokens',
  details: 'Deletes the tokens of all users that expired before a time, in batches. The app may run meanwhile. ' +
    'If the command is interrupted, you can repeat it. The audit trail gets no entries about these deletions.',
  arguments: [],
  options: {
    'expired-before': time('Required. Delete the tokens that expired before this time. It must not be in the future'),
    ...databaseOptions
  },
  examples: [
    ['Delete the tokens that expired more than 30 days ago', 'npx fastify-vexa-admin prune --expired-before now-30d']
  ],
  async run (cli, { values }) {
    const { 'expired-before': expiredBefore } = values
    if (expiredBefore === undefined) throw new UsageError('--expired-before is required')
    const { tokens } = await openServices(cli, values)
    const start = Date.now()
    const timer = setInterval(() => {
      cli.output.progress(`Deleting expired tokens: ${Math.round((Date.now() - start) / 1000)} s`)
    }, 1000)
    const { deleted } = await tokens.prune(expiredBefore).finally(() => clearInterval(timer))
    await cli.output.progress('')
    await cli.output.done({ deleted }, `Deleted ${deleted} expired ${deleted === 1 ? 'token' : 'tokens'}`)
  }
})
