import type { AuditEntry, ListAudit } from '../schemas/audit.js'

/** Reads the audit trail from the app's own code. */
export interface AuditService {
  /**
   * Lists entries of the audit trail, the newest first, or the oldest first with `order: 'asc'`. `limit` is the maximum
   * number of entries: 1 to 1000, default 100. For the next page, pass the id of the last entry as `after`. With
   * `order: 'asc'`, a caller that reads all pages gets each entry exactly once. The other members of `query` select
   * entries. An entry must match each of these members.
   *
   * If `query` has `user_id` or `token_id`, the database finds the entries by an index. For the other members, the
   * database reads entries one by one until the page is full. `token_id` does not select by `successor_id`: the entry
   * of a rotation has the old token as its `token_id`.
   *
   * @throws {AuditOffError} 500 if the option `audit` is off
   * @throws {InvalidInputError} 400 if the argument is not valid
   * @throws {StorageUnavailableError} 503 if the storage cannot answer now
   */
  list (query?: ListAudit): Promise<AuditEntry[]>
}
