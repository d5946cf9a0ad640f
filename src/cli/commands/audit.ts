import { AuditEntry, type AuditAction } from '../../index.js'
import { auditColumns } from '../columns.js'
import { defineCommand } from '../command.js'
import { choice, databaseOptions, integer, text, time } from '../options.js'
import { pagesOf } from '../paging.js'
import { openServices } from '../services.js'

const actions: AuditAction[] = AuditEntry.properties.action.enum

export const audit = defineCommand({
  summary: 'List the audit trail: who changed what, and when',
  details: 'Lists the newest entry first. An entry must match each option. The app writes entries only with its ' +
    'option audit. The command line writes them unless --no-audit is given.',
  arguments: [],
  options: {
    user: text('USER_ID', 'Only entries about this user and its tokens'),
    token: text('TOKEN_ID', 'Only entries about this token'),
    actor: text('NAME', 'Only changes by this actor'),
    action: choice(actions, `Only changes of this kind: ${actions.join(', ')}`, 'ACTION'),
    since: time('Only changes at this time or later'),
    until: time('Only changes before this time'),
    order: choice(['asc', 'desc'], 'The newest entry first (desc, the default), or the oldest (asc)'),
    limit: integer('NUMBER', 'List at most this number of entries', 1),
    ...databaseOptions
  },
  examples: [
    ['List the last ten changes', 'npx fastify-vexa-admin audit --limit 10'],
    ['List what happened to a user since yesterday', 'npx fastify-vexa-admin audit --user user-1 --since now-1d'],
    ['Copy the whole trail to a file', 'npx fastify-vexa-admin audit --order asc --json > audit.ndjson']
  ],
  async run (cli, { values }) {
    const { user, token, actor, action, since, until, order, limit } = values
    const { audit } = await openServices(cli, values)
    const filter = { user_id: user, token_id: token, actor, action, since, until, order }
    await cli.output.list(pagesOf((page) => audit.list({ ...page, ...filter }), limit), auditColumns)
  }
})
