import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { needs } from '../hooks/require-permission.js'
import { AuditEntry, ListAudit } from '../schemas/audit.js'
import { errorReplies, readErrors } from '../schemas/error-replies.js'
import type { AuditRouteService } from '../services/audit.js'
import { linkNextPage } from './links.js'

const AuditList = Type.Array(AuditEntry, {
  description: 'The entries',
  examples: [AuditEntry.examples],
  // OpenAPI documents show this header.
  headers: {
    link: {
      type: 'string',
      description: 'Link to the next page (`rel="next"`), relative to the URL of the request. Absent on the last page.'
    }
  }
})

/** Registers the route of the audit trail. Only an app with the option `audit` has this route. */
export const auditRoutes: FastifyPluginAsyncTypebox<{ audit: AuditRouteService }> = async (fastify, { audit }) => {
  fastify.get('/audit', {
    exposeHeadRoute: true,
    config: needs('audit'),
    schema: {
      operationId: 'listAudit',
      tags: ['Audit trail'],
      summary: 'List the changes of users and tokens',
      description: 'Entries are in the order of the changes, the newest first by default. An entry must match each ' +
        'member of the query. If more entries follow, the `Link` header refers to the next page. A client that ' +
        'follows `after` with `order=asc` gets each entry exactly once, unless retention deletes it first.',
      querystring: ListAudit,
      response: { 200: AuditList, ...errorReplies(...readErrors) }
    }
  }, async (request, reply) => {
    const { entries, more } = await audit.list(request.query)
    linkNextPage(reply, request.query, entries, more)
    return entries
  })
}
