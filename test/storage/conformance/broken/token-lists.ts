import { normalizeForSearch, type StorageAdapter, type TokenRecord, type UserRecord } from '../../../../src/index.js'
import { filtering, type BrokenByCase } from './breaking.js'

const isExpired = ({ expires_at: expires }: TokenRecord, at: string) => expires !== null && expires <= at

/** Returns a pattern that matches what SQL's `like` matches. */
const like = (pattern: string) =>
  new RegExp(`^${pattern.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('%', '.*').replaceAll('_', '.')}$`)

export const tokenLists: BrokenByCase = {
  'listTokens: returns tokens of all users, each with three members of its user': {
    'tokens are sorted by name': (storage) => ({
      listTokens: async (page) =>
        (await storage.listTokens(page)).sort(({ token }, other) => token.name! < other.token.name! ? -1 : 1)
    }),
    'listTokens ignores order': (storage) => ({
      listTokens: async (page) => storage.listTokens({ ...page, order: 'asc' })
    }),
    'listTokens returns whole users': (storage) => ({
      listTokens: async (page) =>
        Promise.all((await storage.listTokens(page)).map(async ({ token, user }) =>
          ({ token, user: await storage.findUser(user.id) as UserRecord })))
    }),
    'countTokens without a filter returns 0': (storage) => ({
      countTokens: async (filter) => filter === undefined ? 0 : storage.countTokens(filter)
    })
  },
  'listTokens: starts after a token, even when that token has been revoked': {
    'the list starts again after a revoked token': (storage) => ({
      listTokens: async ({ after, ...page }) =>
        storage.listTokens(after !== undefined && (await storage.findToken(after)) ? { after, ...page } : page)
    }),
    'the reverse list includes the token that it starts after': (storage) => ({
      listTokens: async ({ after, ...page }) => storage.listTokens({
        after: page.order === 'desc' && after !== undefined ? String(Number(after) + 1) : after, ...page
      })
    }),
    'listTokens returns one token too many': (storage) => ({
      listTokens: async (page) => storage.listTokens({ ...page, limit: page.limit + 1 })
    }),
    'listTokens throws when after is no number': (storage) => ({
      listTokens: async (page) => {
        BigInt(page.after ?? 0)
        return storage.listTokens(page)
      }
    })
  },
  'listTokens: keeps the order when keys get more digits': {
    'keys are compared as text': (storage) => ({
      listTokens: async ({ after = '', limit, ...page }) =>
        (await storage.listTokens({ ...page, limit: 1000 }))
          .filter(({ token: { id } }) => id > after)
          .sort(({ token: { id } }, other) => (id < other.token.id ? -1 : 1))
          .slice(0, limit)
    })
  },
  'listTokens, countTokens: userId selects the tokens of one user': {
    'listTokens ignores userId': (storage) => ({
      listTokens: async ({ userId, ...page }) => storage.listTokens(page)
    }),
    'countTokens ignores userId': (storage) => ({
      countTokens: async ({ userId, ...filter } = {}) => storage.countTokens(filter)
    }),
    'countTokens throws when userId is no number': (storage) => ({
      countTokens: async (filter = {}) => {
        BigInt(filter.userId ?? 0)
        return storage.countTokens(filter)
      }
    }),
    'countTokens counts the tokens of deleted users': (storage) => {
      let ended = 0
      return {
        deleteUser: async (id, revision) => {
          ended = await storage.countTokens({ userId: id })
          return storage.deleteUser(id, revision)
        },
        countTokens: async (filter) => await storage.countTokens(filter) + ended
      }
    }
  },
  'listTokens, countTokens: search matches any part of the normalised name': {
    'search matches the beginning of a name only': filtering('search', ({ name }, search) =>
      normalizeForSearch(name ?? '').startsWith(search)),
    'search compares names as they are': filtering('search', ({ name }, search) => (name ?? '').includes(search)),
    'search compares names in lower case only': filtering('search', ({ name }, search) =>
      (name ?? '').toLowerCase().includes(search)),
    'search has wildcards': filtering('search', ({ name }, search) =>
      like(`%${search}%`).test(normalizeForSearch(name ?? ''))),
    'a missing name is found as null': filtering('search', ({ name }, search) =>
      normalizeForSearch(String(name)).includes(search)),
    'countTokens ignores search': (storage) => ({
      countTokens: async ({ search, ...filter } = {}) => storage.countTokens(filter)
    }),
    'search finds the name before an update': (storage) => {
      const names = new Map<string, string | null>()
      return {
        createToken: async (token) => {
          const created = await storage.createToken(token)
          if (created !== 'absent') names.set(created.id, token.name)
          return created
        },
        ...filtering('search', ({ id }, search) =>
          normalizeForSearch(names.get(id) ?? '').includes(search))(storage)
      }
    }
  },
  'listTokens, countTokens: start selects by first characters, byte by byte': {
    'start ignores case': filtering('start', ({ start }, text) =>
      (start ?? '').toLowerCase().startsWith(text.toLowerCase())),
    'start has wildcards': filtering('start', ({ start }, text) => like(`${text}%`).test(start ?? '')),
    'start matches any part': filtering('start', ({ start }, text) => (start ?? '').includes(text)),
    'start must be equal': filtering('start', ({ start }, text) => start === text),
    'start ignores trailing spaces': filtering('start', ({ start }, text) => (start ?? '').startsWith(text.trimEnd())),
    'start selects a range that ends too late': filtering('start', ({ start }, text) =>
      start !== null && start >= text && start <= text.slice(0, -1) + String.fromCharCode(text.charCodeAt(-1) + 1))
  },
  'listTokens, countTokens: state selects tokens by their state at a time': {
    'a token that expires now is active': filtering('state', (token, { is, at }) =>
      (token.expires_at !== null && token.expires_at < at
        ? 'expired'
        : token.disabled ? 'disabled' : 'active') === is),
    'a disabled token is not expired': filtering('state', (token, { is, at }) =>
      (token.disabled ? 'disabled' : isExpired(token, at) ? 'expired' : 'active') === is),
    'a token has two states': filtering('state', (token, { is, at }) =>
      is === 'disabled' ? token.disabled : isExpired(token, at) === (is === 'expired')),
    'a token that never expires is expired': filtering('state', (token, { is, at }) =>
      ((token.expires_at ?? '') <= at ? 'expired' : token.disabled ? 'disabled' : 'active') === is),
    'the time is that of the server': filtering('state', (token, { is }) =>
      (isExpired(token, new Date().toISOString()) ? 'expired' : token.disabled ? 'disabled' : 'active') === is)
  },
  'listTokens, countTokens: unusedSince selects by the last use or the creation': {
    'a token that was never used does not match': filtering('unusedSince', ({ last_used_at: used }, since) =>
      used !== null && used < since),
    'a token that was never used always matches': filtering('unusedSince', ({ last_used_at: used }, since) =>
      (used ?? '') < since),
    'the creation of a used token counts': filtering('unusedSince', ({ created_at: created }, since) => created < since),
    'a use at that time matches': filtering('unusedSince', (token, since) =>
      (token.last_used_at ?? token.created_at) <= since)
  },
  'listTokens, countTokens: expiresBefore leaves out tokens that never expire': {
    'a token that never expires matches': filtering('expiresBefore', ({ expires_at: expires }, time) =>
      (expires ?? '') < time),
    'an expiry at that time matches': filtering('expiresBefore', (token, time) => isExpired(token, time)),
    'a disabled token does not match': filtering('expiresBefore', (token, time) =>
      token.expires_at !== null && token.expires_at < time && !token.disabled)
  },
  'listTokens, countTokens: a token must match each filter that is given': {
    'one matching filter is enough': (storage) => {
      const found = async (filter: object, order: 'asc' | 'desc') => {
        const given = Object.entries(filter).filter(([, value]) => value !== undefined)
        const lists = await Promise.all((given.length === 0 ? [['userId', undefined]] : given).map(([name, value]) =>
          storage.listTokens({ order: 'asc', limit: 1000, [name as string]: value })))
        const byKey = new Map(lists.flat().map((listed) => [listed.token.id, listed]))
        const sorted = [...byKey.values()].sort((a, b) => Number(a.token.id) - Number(b.token.id))
        return order === 'asc' ? sorted : sorted.reverse()
      }
      return {
        listTokens: async ({ order, after, limit, ...filter }) =>
          (await found(filter, order)).filter(({ token }) => Number(token.id) > Number(after ?? 0)).slice(0, limit),
        countTokens: async (filter = {}) => (await found(filter, 'asc')).length
      } satisfies Partial<StorageAdapter>
    },
    'the page starts before the filter is applied': (storage) => ({
      listTokens: async ({ order, after, limit, ...filter }) => {
        const page = await storage.listTokens({ order, after, limit })
        const found = await storage.listTokens({ order, limit: 1000, ...filter })
        return found.filter(({ token }) => page.some((other) => other.token.id === token.id))
      }
    }),
    'userId leaves out the state': (storage) => ({
      listTokens: async ({ state, ...page }) =>
        storage.listTokens(page.userId === undefined ? { state, ...page } : page)
    }),
    'countTokens applies one filter only': (storage) => ({
      countTokens: async (filter = {}) =>
        storage.countTokens(Object.fromEntries(Object.entries(filter).slice(0, 1)))
    }),
    'a filter that is undefined selects nothing': (storage) => ({
      countTokens: async (filter = {}) =>
        Object.values(filter).includes(undefined) ? 0 : storage.countTokens(filter)
    })
  }
}
