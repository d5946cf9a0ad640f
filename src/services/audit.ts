import { ListAudit, type AuditEntry } from '../schemas/audit.js'
import { toRecordTime } from '../schemas/time.js'
import { validator } from '../schemas/validator.js'
import type { AuditTrail } from '../storage/storage-adapter.js'
import { toKey } from './ids.js'
import { toAuditEntry } from './serializers.js'

/** The audit service for the routes of this package. */
export interface AuditRouteService {
  /** Lists entries as the `list` of AuditService does. `more` tells whether more entries follow. */
  list (query: ListAudit): Promise<{ entries: AuditEntry[], more: boolean }>
}

const validateList = validator(ListAudit)

/** Creates the service for the audit trail. Each error that `trail` throws must be an error of errors.ts. */
export function createAuditService (trail: Pick<AuditTrail, 'listAudit'>): AuditRouteService {
  return {
    async list (query) {
      validateList(query)
      const { after, limit = 100, order = 'desc', user_id: userId, token_id: tokenId } = query
      const { action, actor, since, until } = query
      const userKey = userId && toKey('user', userId)
      const tokenKey = tokenId && toKey('token', tokenId)
      const isMalformed = (userId !== undefined && !userKey) || (tokenId !== undefined && !tokenKey)
      // No entry has a malformed id.
      if (isMalformed) return { entries: [], more: false }
      const entries = await trail.listAudit({
        order,
        after: after && toKey('audit', after),
        // One entry more than requested shows whether there is a next page.
        limit: limit + 1,
        userId: userKey,
        tokenId: tokenKey,
        action,
        actor,
        since: since && toRecordTime(since),
        until: until && toRecordTime(until)
      })
      return { entries: entries.slice(0, limit).map(toAuditEntry), more: entries.length > limit }
    }
  }
}
