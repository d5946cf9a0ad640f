// The users and tokens that an audit trail describes. In each change, test/support/fixtures/audited-changes.ts writes
// the name of the request into the record, and each update of a token counts one more.
import type { AuditedStorageAdapter, AuditRecord, StorageAdapter } from '../../src/index.js'

interface User { name: string | null, updates: number }
interface Token { userId: string, name: string | null, count: number, isExtended: boolean }

const userLine = (id: string, { name, updates }: User) => `user ${id}: ${name}, ${updates} updates`
const tokenLine = (id: string, { userId, name, count, isExtended }: Token) =>
  `token ${id} of user ${userId}: ${name}, ${count} updates, extended: ${isExtended}`

/** Returns the whole trail in the order of the changes. */
export async function trailOf (storage: AuditedStorageAdapter): Promise<AuditRecord[]> {
  const trail: AuditRecord[] = []
  for (;;) {
    const page = await storage.listAudit({ order: 'asc', after: trail.at(-1)?.id, limit: 1000 })
    if (page.length === 0) return trail
    trail.push(...page)
  }
}

/** Returns a line for each user and each token in a storage. */
export async function stateOf (storage: StorageAdapter): Promise<Set<string>> {
  const lines = new Set<string>()
  for (let after: string | undefined; ;) {
    const users = await storage.listUsers({ order: 'asc', after, skip: 0, limit: 1000 })
    for (const { id, name, revision } of users) lines.add(userLine(id, { name, updates: revision }))
    if (users.length === 0) break
    after = users.at(-1)?.id
  }
  for (let after: string | undefined; ;) {
    const tokens = await storage.listTokens({ order: 'asc', after, limit: 1000 })
    for (const { token: { id, user_id: userId, name, data, expires_at: expires } } of tokens) {
      const count = (data?.count as number) ?? 0
      lines.add(tokenLine(id, { userId, name, count, isExtended: expires !== null }))
    }
    if (tokens.length === 0) return lines
    after = tokens.at(-1)?.token.id
  }
}

/** Makes the changes of a trail again. Returns the lines that `stateOf` must return, and the entries that are wrong. */
export function replay (trail: readonly AuditRecord[]): { state: Set<string>, faults: AuditRecord[] } {
  const users = new Map<string, User>()
  const tokens = new Map<string, Token>()
  const faults: AuditRecord[] = []
  const deleteTokensOf = (userId: string) => {
    const count = tokens.size
    for (const [id, token] of tokens) if (token.userId === userId) tokens.delete(id)
    return tokens.size < count
  }

  /** Makes the change of an entry. Returns whether it was possible. */
  const apply = ({ action, user_id: userId, token_id: tokenId, successor_id: successorId, ...entry }: AuditRecord) => {
    const { request_id: name } = entry
    const user = users.get(userId)
    const token = tokens.get(tokenId ?? '')
    const isNew = (id: string | null) => id !== null && !tokens.has(id) &&
      tokens.set(id, { userId, name, count: 0, isExtended: false }).has(id)
    switch (action) {
      case 'user.created': return user === undefined && users.set(userId, { name, updates: 0 }).has(userId)
      case 'user.updated': return user && users.set(userId, { name, updates: user.updates + 1 }).has(userId)
      case 'user.deleted':
        deleteTokensOf(userId)
        return users.delete(userId)
      case 'token.created': return user && isNew(tokenId)
      case 'token.updated': return token && Object.assign(token, { name, count: token.count + 1 })
      case 'token.rotated':
        if (name?.endsWith('-replace')) tokens.delete(tokenId as string)
        return token && Object.assign(token, { isExtended: true }) && isNew(successorId)
      case 'token.revoked': return tokenId === null ? deleteTokensOf(userId) : tokens.delete(tokenId)
    }
  }

  for (const entry of trail) if (!apply(entry)) faults.push(entry)
  const state = new Set<string>()
  for (const [id, user] of users) state.add(userLine(id, user))
  for (const [id, token] of tokens) state.add(tokenLine(id, token))
  return { state, faults }
}
