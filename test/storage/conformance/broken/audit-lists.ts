import { listing, selecting } from './audit-breaking.js'
import type { BrokenByCase } from './breaking.js'

const all = { order: 'asc', limit: 1000 } as const

export const auditLists: BrokenByCase = {
  'listAudit: returns pages in the order of the changes, or the reverse': {
    'listAudit ignores after': (storage) => ({ listAudit: ({ after, ...page }) => storage.listAudit(page) }),
    'listAudit ignores limit': (storage) => ({ listAudit: (page) => storage.listAudit({ ...page, limit: 9 }) }),
    'listAudit ignores the order': (storage) => ({ listAudit: (page) => storage.listAudit({ ...page, order: 'asc' }) }),
    'listAudit compares keys as text': (storage) => ({
      listAudit: async ({ after, order, limit }) => {
        const isAfter = (id: string) => after === undefined || (order === 'asc' ? id > after : id < after)
        const entries = (await storage.listAudit({ ...all, order })).filter(({ id }) => isAfter(id))
        return entries.slice(0, limit)
      }
    })
  },
  'listAudit: orders entries by the change, not by the time': {
    'listAudit orders entries by their time': listing((entries, { order }) =>
      entries.toSorted((a, b) => (a.at < b.at ? -1 : 1) * (order === 'asc' ? 1 : -1)))
  },
  'listAudit: starts after an entry, even when that entry has been pruned': {
    'listAudit looks the entry up': (storage) => ({
      listAudit: async (page) => {
        const entries = await storage.listAudit(all)
        return page.after === undefined || entries.some(({ id }) => id === page.after) ? storage.listAudit(page) : []
      }
    }),
    'listAudit starts again when the entry is gone': (storage) => ({
      listAudit: async ({ after, ...page }) => {
        const isThere = (await storage.listAudit(all)).some(({ id }) => id === after)
        return storage.listAudit({ ...page, ...(isThere && { after }) })
      }
    }),
    'listAudit throws for a key that is no number': (storage) => ({
      listAudit: async (page) => {
        BigInt(page.after ?? 0)
        return storage.listAudit(page)
      }
    })
  },
  'listAudit: userId selects the entries of a user and its tokens': {
    'userId selects all entries': selecting('userId', () => true),
    'userId selects no entries of tokens': selecting('userId', (entry, userId) =>
      entry.user_id === userId && entry.token_id === null),
    'userId is compared as a number': selecting('userId', (entry, userId) => Number(entry.user_id) === Number(userId))
  },
  'listAudit: tokenId selects the entries of a token, not of its successor': {
    'tokenId selects all entries': selecting('tokenId', () => true),
    'tokenId also selects by the successor': selecting('tokenId', (entry, tokenId) =>
      [entry.token_id, entry.successor_id].includes(tokenId)),
    'tokenId also selects entries without a token': selecting('tokenId', (entry, tokenId) =>
      (entry.token_id ?? tokenId) === tokenId),
    'tokenId is compared as a number': selecting('tokenId', (entry, tokenId) =>
      entry.token_id !== null && Number(entry.token_id) === Number(tokenId))
  },
  'listAudit: action and actor select entries byte by byte': {
    'actor ignores case': selecting('actor', (entry, actor) => entry.actor?.toLowerCase() === actor.toLowerCase()),
    'actor ignores the form of Unicode': selecting('actor', (entry, actor) =>
      entry.actor?.normalize() === actor.normalize()),
    'actor is a pattern': selecting('actor', (entry, actor) =>
      new RegExp(`^${actor.replaceAll('%', '.*').replaceAll('_', '.')}$`, 'u').test(entry.actor ?? '')),
    'actor is compared with the text of null': selecting('actor', (entry, actor) => String(entry.actor) === actor),
    'action selects by its first word': selecting('action', (entry, action) =>
      entry.action.split('.')[0] === action.split('.')[0])
  },
  'listAudit: since includes its time, and until excludes it': {
    'since excludes its time': selecting('since', ({ at }, since) => at > since),
    'until includes its time': selecting('until', ({ at }, until) => at <= until),
    'since has no milliseconds': selecting('since', ({ at }, since) => at >= since.slice(0, 19)),
    'until has no milliseconds': selecting('until', ({ at }, until) => at < until.slice(0, 19))
  },
  'listAudit: an entry must match each filter that is given': {
    'tokenId is ignored if userId is given': selecting('tokenId', (entry, tokenId, { userId }) =>
      userId !== undefined || entry.token_id === tokenId),
    'actor is ignored if since is given': selecting('actor', (entry, actor, { since }) =>
      since !== undefined || entry.actor === actor),
    'until is ignored if action is given': selecting('until', ({ at }, until, { action }) =>
      action !== undefined || at < until),
    'since is ignored if userId is given': selecting('since', ({ at }, since, { userId }) =>
      userId !== undefined || at >= since),
    'a filter that is undefined selects nothing': (storage) => ({
      listAudit: async (page) => 'until' in page && page.until === undefined ? [] : storage.listAudit(page)
    })
  }
}
