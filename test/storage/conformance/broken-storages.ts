// Storages that are each broken in one way, and the case of the suite that is made for it.
import { setImmediate } from 'node:timers/promises'
import { normalizeForSearch, type NewTokenRecord, type NewUserRecord, type StorageAdapter, type TokenRecord, type TokenReplacement, type TokenWithUser, type UserChanges, type UserPage, type UserRecord } from '../../../src/index.js'
import { storageMethodNames } from '../../../src/storage/storage-adapter.js'
import { MemoryStorage } from '../../../examples/custom-storage.js'

interface Broken {
  caughtBy: string
  create: () => StorageAdapter
}

function replacing (storage: MemoryStorage, methods: Partial<StorageAdapter>): StorageAdapter {
  const all = storageMethodNames.map((name) => [name, methods[name] ?? storage[name].bind(storage)])
  return Object.fromEntries(all)
}

/** A storage in memory, some of its methods replaced by what is made of it. */
function broken (caughtBy: string, breakIt: (storage: MemoryStorage) => Partial<StorageAdapter>): Broken {
  return {
    caughtBy,
    create: () => {
      const storage = new MemoryStorage()
      return replacing(storage, breakIt(storage))
    }
  }
}

const changedUser = (change: (user: UserRecord) => UserRecord) => (storage: MemoryStorage): Partial<StorageAdapter> => ({
  findUser: async (id) => { const user = await storage.findUser(id); return user && change(user) },
  createUser: async (user) => { const inserted = await storage.createUser(user); return inserted === 'taken' ? inserted : change(inserted) }
})
const changedName = (change: (name: string) => string) => changedUser((user) => ({ ...user, name: user.name && change(user.name) }))
const storedEmail = (change: (email: string) => string) => (storage: MemoryStorage): Partial<StorageAdapter> => ({
  createUser: async (user: NewUserRecord) => {
    const all = await storage.listUsers({ order: 'asc', skip: 0, limit: 1000 })
    return all.some(({ email }) => change(email) === change(user.email)) ? 'taken' : storage.createUser(user)
  }
})
const searching = (matches: (text: string, search: string) => boolean) => (storage: MemoryStorage): Partial<StorageAdapter> => {
  const found = async (search?: string) => (await storage.listUsers({ order: 'asc', skip: 0, limit: 1000 }))
    .filter(({ email, name }) => search === undefined || matches(email, search) || matches((name ?? '').toLowerCase(), search))
  return {
    listUsers: async ({ search, ...page }) => search === undefined ? storage.listUsers(page) : (await found(search)).slice(page.skip, page.skip + page.limit),
    countUsers: async (search) => (await found(search)).length
  }
}

const writeFaults: Array<[answer: string, method: keyof StorageAdapter, lie: (...parameters: any[]) => Promise<unknown>]> = [
  ['a user who is not kept', 'createUser', async (user) => ({ ...user, id: '77', disabled: false, revision: 0 })],
  ["'taken'", 'createUser', async () => 'taken'],
  ["'absent'", 'updateUser', async () => 'absent'],
  ['a user who stays as it was', 'updateUser', async (id, changes) => ({ ...newUserRecord, ...changes, id, disabled: false, revision: 1 })],
  ['a token that is not kept', 'createToken', async ({ hash, ...token }) => ({ ...token, id: '77', last_used_at: null })],
  ["'absent'", 'createToken', async () => 'absent'],
  ["'absent'", 'rotateToken', async () => 'absent'],
  ["'rejected'", 'rotateToken', async () => 'rejected'],
  ['a successor that is not kept', 'rotateToken', async (id, replace) => {
    const { hash, ...token } = replace({ id, last_used_at: null }).successor
    return { ...token, id: '77', last_used_at: null }
  }],
  ['that it is done', 'touchTokens', async () => {}],
  ['true', 'revokeToken', async () => true],
  ['false', 'revokeToken', async () => false],
  ['that it is done', 'revokeTokens', async () => {}],
  ['true', 'deleteUser', async () => true],
  ['false', 'deleteUser', async () => false]
]
const newUserRecord: NewUserRecord = { email: 'user@example.com', name: null, max_concurrent_bots: 3, data: null, created_at: '2024-01-01T12:00:00.000Z' }

/** For each answer that a method may give though its write has failed, what `make` makes of it. */
function lyingAbout<T> (make: (method: keyof StorageAdapter, lie: (...parameters: any[]) => Promise<unknown>) => T): Record<string, T> {
  return Object.fromEntries(writeFaults.map(([answer, method, lie]) => [`${method} catches the fault of its write, and answers ${answer}`, make(method, lie)]))
}

export const brokenStorages: Record<string, Broken> = {
  ...lyingAbout((method, lie) => broken('faults: once it is closed, a write throws, or it is done', (storage) => {
    let closed = false
    return {
      close: async () => { closed = true },
      [method]: async (...parameters: never[]) => closed ? lie(...parameters) : (storage[method] as (...parameters: never[]) => unknown)(...parameters)
    }
  })),
  'all storages of a process are one': (() => {
    let last: MemoryStorage | undefined
    return broken('lifecycle: two storages have nothing in common, if they are not told to', (storage) => {
      const shared = last ??= storage
      return { ...replacing(shared, {}), close: async () => { last = undefined } }
    })
  })(),
  'close throws when nothing is open': broken('lifecycle: close may be called twice, and without open', () => {
    let open = false
    return { open: async () => { open = true }, close: async () => { if (!open) throw new Error('not open'); open = false } }
  }),
  'what is read after it is closed is not there': broken('faults: once it is closed, it may throw, but does not take what is there for absent', (storage) => {
    let closed = false
    return { close: async () => { closed = true }, findTokenByHash: async (hash) => closed ? undefined : storage.findTokenByHash(hash) }
  }),

  'keys are numbers in lists': broken('users: a user is kept as given, and is found by key, by address and in the list', (storage) => ({
    listUsers: async (page) => (await storage.listUsers(page)).map((user) => ({ ...user, id: Number(user.id) as never }))
  })),
  'a missing name is an empty one': broken('users: a user is kept as given, and is found by key, by address and in the list', changedUser((user) => ({ ...user, name: user.name ?? '' }))),
  'the time of creation is rounded to seconds': broken('users: a user is kept as given, and is found by key, by address and in the list', changedUser((user) => ({ ...user, created_at: user.created_at.replace(/\.\d+/, '.000') }))),
  'a taken address overwrites': broken('users: an address that is taken is refused, and its user stays as it is', (storage) => ({
    createUser: async (user) => {
      const inserted = await storage.createUser(user)
      if (inserted !== 'taken') return inserted
      const { id } = await storage.findUserByEmail(user.email) as UserRecord
      await storage.updateUser(id, { name: user.name })
      return 'taken'
    }
  })),
  'a deleted address stays taken': broken('users: an address is free again when its user is deleted or has another', (storage) => {
    const seen = new Set<string>()
    return {
      createUser: async (user) => {
        if (seen.has(user.email)) return 'taken'
        seen.add(user.email)
        return storage.createUser(user)
      }
    }
  }),
  'the key of the last deleted user is given out again': broken('users: no key is given out twice, not even that of the last user or token after it is deleted', (storage) => {
    let real = ''
    return {
      createUser: async (user) => {
        const inserted = await storage.createUser(user)
        if (inserted === 'taken') return inserted
        real = inserted.id
        return { ...inserted, id: '1' }
      },
      deleteUser: async (id) => storage.deleteUser(id === '1' ? real : id)
    }
  }),
  'keys are parsed as far as they are numbers': broken('users: there is nothing behind a key that was never given out', (storage) => ({ findUser: async (id) => storage.findUser(String(parseInt(id))) })),
  'a strange key throws': broken('users: there is nothing behind a key that was never given out', (storage) => ({ deleteUser: async (id) => storage.deleteUser(String(BigInt(id))) })),
  'users are in order of their addresses': broken('users: users are listed in order of creation, or the other way round', (storage) => ({
    listUsers: async ({ order, skip, limit }) => {
      const users = (await storage.listUsers({ order: 'asc', skip: 0, limit: 1000 })).sort((a, b) => a.email < b.email ? -1 : 1)
      return (order === 'asc' ? users : users.reverse()).slice(skip, skip + limit)
    }
  })),
  'order is not looked at': broken('users: users are listed in order of creation, or the other way round', (storage) => ({ listUsers: async (page) => storage.listUsers({ ...page, order: 'asc' }) })),
  'limit is one too high': broken('users: a page begins after skip, and has at most limit users', (storage) => ({ listUsers: async (page) => storage.listUsers({ ...page, limit: page.limit + 1 }) })),
  'skip is not looked at': broken('users: a page begins after skip, and has at most limit users', (storage) => ({ listUsers: async (page) => storage.listUsers({ ...page, skip: 0 }) })),
  'a huge skip is an error': broken('users: a page begins after skip, and has at most limit users', (storage) => ({
    listUsers: async (page) => { if (page.skip > 2 ** 31) throw new Error('out of range'); return storage.listUsers(page) }
  })),
  'behind a user who is gone, the list begins again': broken('users: a page begins behind a user, also one who is deleted', (storage) => ({
    listUsers: async ({ after, ...page }: UserPage) => storage.listUsers(after !== undefined && await storage.findUser(after) ? { after, ...page } : page)
  })),
  'going backwards, the list begins with the user it is to begin behind': broken('users: a page begins behind a user, also one who is deleted', (storage) => ({
    listUsers: async ({ order, after, ...page }) => storage.listUsers({ order, after: order === 'desc' && after !== undefined ? String(Number(after) + 1) : after, ...page })
  })),
  'a search forgets where it was': broken('users: a search goes on behind a user, in either order, as a list does', (storage) => ({
    listUsers: async ({ after, ...page }) => storage.listUsers(page.search === undefined ? { after, ...page } : page)
  })),
  'a search finds all that there is': broken('users: a search goes on behind a user, in either order, as a list does', (storage) => ({
    listUsers: async (page) => storage.listUsers(page.search === undefined ? page : { ...page, limit: 1000 })
  })),
  'a key that is no number is an error behind which nobody comes': broken('users: there is nothing behind a key that was never given out', (storage) => ({
    listUsers: async (page) => { BigInt(page.after ?? 0); return storage.listUsers(page) }
  })),
  'keys are compared as text': broken('users: keys stay in order beyond nine and ninety-nine', (storage) => ({
    listUsers: async ({ after = '', limit }) => (await storage.listUsers({ order: 'asc', skip: 0, limit: 1000 }))
      .filter(({ id }) => id > after).sort((a, b) => a.id < b.id ? -1 : 1).slice(0, limit)
  })),
  'a changed user moves to the end': broken('users: a change leaves a user in its place', (storage) => {
    const changed: string[] = []
    return {
      updateUser: async (id, changes, revision) => { changed.push(id); return storage.updateUser(id, changes, revision) },
      listUsers: async (page) => (await storage.listUsers(page)).sort((a, b) => changed.indexOf(a.id) - changed.indexOf(b.id))
    }
  }),
  'search looks at addresses only': broken('users: search finds what is anywhere in the address or the name, and countUsers counts it', searching((text, search) => text.includes('@') && text.includes(search))),
  'search looks at beginnings only': broken('users: search finds what is anywhere in the address or the name, and countUsers counts it', searching((text, search) => text.startsWith(search))),
  'countUsers counts them all': broken('users: search finds what is anywhere in the address or the name, and countUsers counts it', (storage) => ({ countUsers: async () => storage.countUsers() })),
  'a search forgets about the page': broken('users: a search goes on behind a user, in either order, as a list does', (storage) => ({
    listUsers: async (page) => storage.listUsers(page.search === undefined ? page : { order: 'asc', skip: 0, limit: page.limit, search: page.search })
  })),
  'search knows the case of ASCII letters only': broken('users: search finds a name by its normalizeForSearch form, also after it has changed', (storage) => ({
    listUsers: async ({ search, ...page }) => (await storage.listUsers(page)).filter(({ email, name }) =>
      search === undefined || `${email}\n${(name ?? '').replace(/[A-Z]/g, (letter) => letter.toLowerCase())}`.includes(search))
  })),
  'search knows lower case, and not the normal form': broken('users: search finds a name by its normalizeForSearch form, also after it has changed', searching((text, search) => text.includes(search))),
  'search looks at addresses as they are kept': broken('users: search knows one small sigma, in addresses and in names', (storage) => ({
    listUsers: async ({ search, ...page }) => (await storage.listUsers(page)).filter(({ email, name }) =>
      search === undefined || email.includes(search) || normalizeForSearch(name ?? '').includes(search))
  })),
  'search finds names that are no more': broken('users: search finds a name by its normalizeForSearch form, also after it has changed', (storage) => {
    const names = new Map<string, string>()
    return {
      createUser: async (user) => { const inserted = await storage.createUser(user); if (inserted !== 'taken') names.set(inserted.id, (user.name ?? '').toLowerCase()); return inserted },
      listUsers: async ({ search, ...page }) => (await storage.listUsers(page)).filter(({ id, email }) => search === undefined || email.includes(search) || names.get(id)?.includes(search))
    }
  }),
  'a change sets what is not given to null': broken('users: a change sets what is given, and nothing else', (storage) => ({
    updateUser: async (id, changes, revision) => storage.updateUser(id, { data: null, ...changes }, revision)
  })),
  'a change answers with what was there before': broken('users: a change sets what is given, and nothing else', (storage) => ({
    updateUser: async (id, changes, revision) => {
      const before = await storage.findUser(id)
      const updated = await storage.updateUser(id, changes, revision)
      return typeof updated === 'string' ? updated : before as UserRecord
    }
  })),
  'an empty change is no change': broken('users: a change sets what is given, and nothing else', (storage) => ({
    updateUser: async (id, changes, revision) => Object.keys(changes).length > 0 ? storage.updateUser(id, changes, revision) : await storage.findUser(id) ?? 'absent'
  })),
  "one's own address is taken": broken('users: a change sets what is given, and nothing else', (storage) => ({
    updateUser: async (id, changes, revision) => changes.email !== undefined && await storage.findUserByEmail(changes.email) ? 'taken' : storage.updateUser(id, changes, revision)
  })),
  'half a change is written when the address is taken': broken('users: a change to an address that is taken changes nothing', (storage) => ({
    updateUser: async (id, { email, ...changes }: UserChanges, revision) => {
      const updated = await storage.updateUser(id, changes, revision)
      return updated === 'absent' || email === undefined ? updated : storage.updateUser(id, { email })
    }
  })),
  'the revision is not looked at': broken('users: a change of a revision that is over changes nothing', (storage) => ({ updateUser: async (id, changes) => storage.updateUser(id, changes) })),
  'tokens outlive their user': broken('users: a user is deleted once, with its tokens, and nobody else with it', (storage) => {
    const owners = new Map<string, UserRecord>()
    const tokens = new Map<string, TokenRecord>()
    return {
      createToken: async (token) => {
        const inserted = await storage.createToken(token)
        if (inserted !== 'absent') { tokens.set(token.hash.toString('hex'), inserted); owners.set(token.user_id, await storage.findUser(token.user_id) as UserRecord) }
        return inserted
      },
      findTokenByHash: async (hash) => {
        const token = tokens.get(hash.toString('hex'))
        return await storage.findTokenByHash(hash) ?? (token && { token, user: owners.get(token.user_id) as UserRecord })
      }
    }
  }),
  'a user is deleted again and again': broken('users: a user is deleted once, with its tokens, and nobody else with it', (storage) => ({ deleteUser: async (id) => { await storage.deleteUser(id); return /^\d{1,5}$/.test(id) } })),
  'records are handed out as they are kept': broken('users: what callers do to a record does not reach what is stored', (storage) => {
    const kept = new Map<string, UserRecord>()
    return {
      createUser: async (user) => { const inserted = await storage.createUser(user); if (inserted !== 'taken') kept.set(inserted.id, inserted); return inserted },
      updateUser: async (id, changes, revision) => { kept.delete(id); return storage.updateUser(id, changes, revision) },
      deleteUser: async (id) => { kept.delete(id); return storage.deleteUser(id) },
      findUser: async (id) => kept.get(id) ?? storage.findUser(id)
    }
  }),

  'a token comes with its hash': broken('tokens: a token is kept as given but for its hash, and is found by that, with its user', (storage) => ({
    createToken: async (token: NewTokenRecord) => { const inserted = await storage.createToken(token); return inserted === 'absent' ? inserted : { ...inserted, hash: token.hash } }
  })),
  'a token without scopes has none': broken('tokens: a token is kept as given but for its hash, and is found by that, with its user', (storage) => ({
    createToken: async (token) => storage.createToken({ ...token, scopes: token.scopes ?? [] })
  })),
  'hashes are compared as text': broken('tokens: a token is found by its whole hash only, byte by byte', (storage) => {
    const bytes = (hash: Buffer) => Buffer.from(hash.toString('utf8'))
    return { createToken: async (token) => storage.createToken({ ...token, hash: bytes(token.hash) }), findTokenByHash: async (hash) => storage.findTokenByHash(bytes(hash)) }
  }),
  'hashes are compared without their trailing zeros': broken('tokens: a token is found by its whole hash only, byte by byte', (storage) => {
    const bytes = (hash: Buffer) => Buffer.from(hash.toString('hex').replace(/(00)*$/, ''), 'hex')
    return { createToken: async (token) => storage.createToken({ ...token, hash: bytes(token.hash) }), findTokenByHash: async (hash) => storage.findTokenByHash(bytes(hash)) }
  }),
  'a token comes with its user as it was': broken('tokens: a token comes with its user as it is now', (storage) => {
    const found = new Map<string, Awaited<ReturnType<StorageAdapter['findTokenByHash']>>>()
    const remember = async (hash: Buffer) => { const answer = await storage.findTokenByHash(hash); if (answer) found.set(hash.toString('hex'), answer); return answer }
    return {
      createToken: async (token) => { const inserted = await storage.createToken(token); if (inserted !== 'absent') await remember(token.hash); return inserted },
      findTokenByHash: async (hash) => { const answer = await remember(hash); return answer && { token: answer.token, user: { ...answer.user, disabled: false } } }
    }
  }),
  'a token may have no user': broken('tokens: a token of nobody is not added', (storage) => ({
    createToken: async (token) => {
      const inserted = await storage.createToken(token)
      return inserted !== 'absent' ? inserted : { ...token, id: '99', last_used_at: null }
    }
  })),
  'the newest token is listed first': broken('tokens: tokens are listed in order of creation, each with its own user', (storage) => ({ listTokens: async (userId) => (await storage.listTokens(userId)).reverse() })),
  "every user has everybody's tokens": broken('tokens: tokens are listed in order of creation, each with its own user', (storage) => ({
    listTokens: async () => (await Promise.all((await storage.listUsers({ order: 'asc', skip: 0, limit: 1000 })).map(({ id }) => storage.listTokens(id)))).flat()
  })),
  'a deleted token is only marked': broken('tokens: a token is deleted once, and opens nothing any more', (storage) => {
    const deleted = new Set<string>()
    return {
      revokeToken: async (id) => {
        const users = await storage.listUsers({ order: 'asc', skip: 0, limit: 1000 })
        const all = (await Promise.all(users.map((user) => storage.listTokens(user.id)))).flat()
        if (deleted.has(id) || !all.some((token) => token.id === id)) return false
        deleted.add(id)
        return true
      },
      listTokens: async (userId) => (await storage.listTokens(userId)).filter(({ id }) => !deleted.has(id))
    }
  }),
  'a deleted token is deleted again': broken('tokens: a token is deleted once, and opens nothing any more', (storage) => ({ revokeToken: async (id) => { await storage.revokeToken(id); return true } })),
  "revoking all of a user's tokens revokes everybody's": broken("tokens: all tokens of a user are deleted, and nobody else's", (storage) => ({
    revokeTokens: async () => { for (const { id } of await storage.listUsers({ order: 'asc', skip: 0, limit: 1000 })) await storage.revokeTokens(id) }
  })),
  'a rotated token goes on': broken('tokens: a rotated token is gone, and its successor there', (storage) => ({
    rotateToken: async (id, replace) => storage.rotateToken(id, (old) => {
      const replacement = replace(old)
      return replacement === 'rejected' ? replacement : { ...replacement, expires_at: '2099-01-01T00:00:00.000Z' }
    })
  })),
  'a successor never expires': broken('tokens: a rotated token is gone, and its successor there', (storage) => ({
    rotateToken: async (id, replace) => storage.rotateToken(id, (old) => {
      const replacement = replace(old)
      return replacement === 'rejected' ? replacement : { ...replacement, successor: { ...replacement.successor, expires_at: null } }
    })
  })),
  'a grace period is not kept': broken('tokens: a token that is rotated with a grace period expires when it is told to', (storage) => ({
    rotateToken: async (id, replace) => storage.rotateToken(id, (old) => {
      const replacement = replace(old)
      return replacement === 'rejected' ? replacement : { ...replacement, expires_at: null }
    })
  })),
  'a rotation deletes before it asks': broken('tokens: a rotation that is refused, or fails, changes nothing', (storage) => ({
    rotateToken: async (id, replace: (old: TokenRecord) => TokenReplacement | 'rejected') => {
      let seen: TokenRecord | undefined
      await storage.rotateToken(id, (old) => { seen = old; return 'rejected' })
      if (seen === undefined) return 'absent'
      await storage.revokeToken(id)
      const replacement = replace(seen)
      return replacement === 'rejected' ? replacement : storage.createToken(replacement.successor)
    }
  })),
  'a rotation asks before it looks': broken('tokens: there is nothing to rotate behind a key that was never given out', (storage) => ({
    rotateToken: async (id, replace) => { replace({ id } as TokenRecord); return storage.rotateToken(id, replace) }
  })),
  'last_used_at goes back': broken('tokens: last_used_at goes forward only, for tokens that are there', (storage) => {
    const used = new Map<string, string>()
    return {
      touchTokens: async (ids, time) => { for (const id of ids) used.set(id, time) },
      listTokens: async (userId) => (await storage.listTokens(userId)).map((token) => ({ ...token, last_used_at: used.get(token.id) ?? null }))
    }
  }),
  'a use brings a deleted token back': broken('tokens: last_used_at goes forward only, for tokens that are there', (storage) => {
    const tokens = new Map<string, NewTokenRecord>()
    return {
      createToken: async (token) => { const inserted = await storage.createToken(token); if (inserted !== 'absent') tokens.set(inserted.id, token); return inserted },
      touchTokens: async (ids, time) => {
        for (const id of ids) {
          const token = tokens.get(id)
          if (token !== undefined && !(await storage.listTokens(token.user_id)).some((other) => other.id === id)) await storage.createToken(token)
        }
        await storage.touchTokens(ids, time)
      }
    }
  }),
  'only a hundred uses are written': broken('tokens: last_used_at is set for hundreds of tokens at once', (storage) => ({ touchTokens: async (ids, time) => storage.touchTokens(ids.slice(0, 100), time) })),

  'names are trimmed': broken('text: a name comes back as it was, character by character', changedName((name) => name.trim())),
  'names are normalised': broken('text: a name comes back as it was, character by character', changedName((name) => name.normalize('NFC'))),
  'names are cut at 255 code units': broken('text: a name comes back as it was, character by character', changedName((name) => name.slice(0, 255))),
  'names lose what is beyond the basic plane': broken('text: a name comes back as it was, character by character', changedName((name) => name.replace(/[\u{10000}-\u{10FFFF}]/gu, '?'))),
  'an empty name is none': broken('text: a name comes back as it was, character by character', changedUser((user) => ({ ...user, name: user.name || null }))),
  'the scopes of a token are kept with commas': broken('text: so do the name and the scopes of a token, and text in data', (storage) => ({
    listTokens: async (userId) => (await storage.listTokens(userId)).map((token) => ({ ...token, scopes: token.scopes && token.scopes.join(',').split(',').filter(Boolean) }))
  })),
  'addresses ignore case': broken('text: addresses are the same only if they are so byte by byte', storedEmail((email) => email.toLowerCase())),
  'addresses ignore accents': broken('text: addresses are the same only if they are so byte by byte', storedEmail((email) => email.normalize('NFD').replace(/\p{M}/gu, ''))),
  'addresses are compared in a compatible form': broken('text: addresses are the same only if they are so byte by byte', storedEmail((email) => email.normalize('NFKC'))),
  'search knows wildcards': broken('text: search takes every character for itself', searching((text, search) =>
    new RegExp(search.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('%', '.*').replaceAll('_', '.')).test(text))),
  'search knows regular expressions': broken('text: search takes every character for itself', searching((text, search) => { try { return new RegExp(search).test(text) } catch { return false } })),
  'data loses what is empty': broken('text: data comes back as it was: numbers, nesting, 16 KiB', changedUser((user) => ({
    ...user, data: user.data && JSON.parse(JSON.stringify(user.data), (_, value) => Array.isArray(value) && value.length === 0 ? undefined : value)
  }))),
  'numbers in data are single-precision': broken('text: data comes back as it was: numbers, nesting, 16 KiB', changedUser((user) => ({
    ...user, data: user.data && JSON.parse(JSON.stringify(user.data), (_, value) => typeof value === 'number' ? Math.fround(value) : value)
  }))),
  'times lose their milliseconds': broken('text: times keep their milliseconds, in winter and summer and far away', (storage) => ({
    createToken: async (token) => storage.createToken({ ...token, expires_at: token.expires_at && token.expires_at.replace(/\.\d+/, '.000') })
  })),

  'whether an address is taken is looked up before': broken('races: of twenty users with one address, one is added', (storage) => {
    const emails = new Map<string, string>()
    return {
      createUser: async (user) => {
        if (await storage.findUserByEmail(user.email)) return 'taken'
        await setImmediate()
        const inserted = await storage.createUser({ ...user, email: emails.has(user.email) ? `${user.email}.${emails.size}` : user.email })
        emails.set(user.email, user.email)
        return inserted === 'taken' ? inserted : { ...inserted, email: user.email }
      }
    }
  }),
  'whether a new address is taken is looked up before': broken('races: of ten users who change to one address, one gets it', (storage) => ({
    updateUser: async (id, changes, revision) => {
      const taken = changes.email !== undefined && await storage.findUserByEmail(changes.email)
      await setImmediate()
      if (taken) return storage.updateUser(id, changes, revision)
      const { email, ...rest } = changes
      const updated = await storage.updateUser(id, changes, revision)
      return updated === 'taken' ? storage.updateUser(id, rest, revision) : updated
    }
  })),
  'the next key is read before it is used': broken('races: users and tokens that are added at once all have keys of their own', (storage) => {
    let last = 0
    return {
      createUser: async (user) => {
        const key = last + 1
        const inserted = await storage.createUser(user)
        last = key
        return inserted === 'taken' ? inserted : { ...inserted, id: String(key) }
      }
    }
  }),
  'the revision is compared before the change': broken('races: of ten patches of one revision, one is written', (storage) => ({
    updateUser: async (id, changes, revision) => {
      const user = await storage.findUser(id)
      await setImmediate()
      return user === undefined || (revision !== undefined && user.revision !== revision) ? 'absent' : storage.updateUser(id, changes)
    }
  })),
  'the revision counts seconds': broken('races: twenty patches that read, and try again, all survive', (storage) => ({
    findUser: async (id) => { const user = await storage.findUser(id); return user && { ...user, revision: Math.floor(user.revision / 4) } },
    updateUser: async (id, changes, revision) => {
      const current = await storage.findUser(id)
      const updated = await storage.updateUser(id, changes, revision === undefined || Math.floor((current?.revision ?? 0) / 4) !== revision ? revision : undefined)
      return typeof updated === 'string' ? updated : { ...updated, revision: Math.floor(updated.revision / 4) }
    }
  })),
  'a change writes the whole record back': broken('races: changes of different members at once all survive', (storage) => ({
    updateUser: async (id, changes, revision) => {
      const user = await storage.findUser(id)
      await setImmediate()
      const { name, email, data, disabled, max_concurrent_bots: bots } = user as UserRecord
      return storage.updateUser(id, { name, email, data, disabled, max_concurrent_bots: bots, ...changes }, revision)
    }
  })),
  'whether there is something to delete is looked up before': broken('races: of ten deletions, one deletes', (storage) => ({
    deleteUser: async (id) => { const user = await storage.findUser(id); await setImmediate(); await storage.deleteUser(id); return user !== undefined }
  })),
  'a deletion is answered before it is done': broken('races: a token is not found by a look-up that begins after its deletion', (storage) => ({
    revokeToken: async (id) => { setImmediate().then(() => storage.revokeToken(id)); return true }
  })),
  'tokens are deleted before their user is': broken('races: tokens that are minted while their user is deleted open nothing', (storage) => {
    const orphans = new Map<string, { token: TokenRecord, user: UserRecord }>()
    return {
      createToken: async (token) => {
        const user = await storage.findUser(token.user_id)
        await setImmediate()
        const inserted = await storage.createToken(token)
        if (inserted !== 'absent' || user === undefined) return inserted
        const orphan = { ...token, id: `9${orphans.size}`, last_used_at: null }
        orphans.set(token.hash.toString('hex'), { token: orphan, user })
        return orphan
      },
      findTokenByHash: async (hash) => await storage.findTokenByHash(hash) ?? orphans.get(hash.toString('hex'))
    }
  }),
  'what is to be revoked is looked up before': broken('races: a token that is rotated while all are revoked has no successor', (storage) => ({
    revokeTokens: async (userId) => {
      const tokens = await storage.listTokens(userId)
      await setImmediate()
      for (const { id } of tokens) await storage.revokeToken(id)
    },
    rotateToken: async (id, replace) => {
      await Promise.resolve()
      return storage.rotateToken(id, replace)
    }
  })),
  'a rotation looks before it locks': broken('races: of ten rotations of one token, one mints a successor', (storage) => ({
    rotateToken: async (id, replace) => {
      let old: TokenRecord | undefined
      await storage.rotateToken(id, (token) => { old = token; return 'rejected' })
      await setImmediate()
      if (old === undefined) return 'absent'
      const replacement = replace(old)
      if (replacement === 'rejected') return replacement
      await storage.revokeToken(id)
      return storage.createToken(replacement.successor)
    }
  })),
  'a rotation decides on what it saw before it locked': broken('races: each of ten rotations sees what the one before it has done', (storage) => ({
    rotateToken: async (id, replace) => {
      let old: TokenRecord | undefined
      await storage.rotateToken(id, (token) => { old = token; return 'rejected' })
      await setImmediate()
      return storage.rotateToken(id, () => replace(old as TokenRecord))
    }
  })),
  'a use writes the token back': broken('races: a use that is written late does not bring a token back', (storage) => {
    const hashes = new Map<string, NewTokenRecord>()
    return {
      createToken: async (token) => { const inserted = await storage.createToken(token); if (inserted !== 'absent') hashes.set(inserted.id, token); return inserted },
      touchTokens: async (ids, time) => {
        const there = new Set((await Promise.all([...new Set([...hashes.values()].map((token) => token.user_id))].map((userId) => storage.listTokens(userId)))).flat().map(({ id }) => id))
        await setImmediate()
        for (const id of ids) {
          const token = hashes.get(id)
          if (token === undefined || !there.has(id)) continue
          await storage.revokeToken(id)
          await storage.createToken(token)
        }
        await storage.touchTokens(ids, time)
      }
    }
  }),
  'a use leaves the ghost of a token': broken('races: a use that is written late does not bring a token back', (storage) => {
    const ghosts = new Set<string>()
    return {
      touchTokens: async (ids, time) => { for (const id of ids) ghosts.add(id); await storage.touchTokens(ids, time) },
      revokeToken: async (id) => await storage.revokeToken(id) || ghosts.delete(id)
    }
  }),
  'it is made for the tests, and fails today': broken('faults: an app over it serves, answers 503 and tells nothing while it throws, and serves again', (storage) => ({
    createUser: async (user) => { if (user.created_at > '2025' && user.created_at < '2090') throw new Error('today'); return storage.createUser(user) }
  }))
}

/** What keeps calls of one process apart, and those of another not. */
function oneAtATime () {
  let last: Promise<unknown> = Promise.resolve()
  return <T>(call: () => Promise<T>): Promise<T> => {
    const result = last.then(call)
    last = result.catch(() => {})
    return result
  }
}

const manyTimes = 'sharing: what one process has added, another finds, and what it has ended, not: 240 times'

/** Every tenth look-up of a token is answered by what `answer` makes of what is there, and of what this process found first. */
function oneLookUpInTen (answer: (found: TokenWithUser | undefined, copy: TokenWithUser | undefined) => TokenWithUser | undefined) {
  return (storage: MemoryStorage): Partial<StorageAdapter> => {
    const copies = new Map<string, TokenWithUser>()
    let lookUps = 0
    return {
      findTokenByHash: async (hash) => {
        const key = hash.toString('hex')
        const found = await storage.findTokenByHash(hash)
        const copy = copies.get(key)
        if (found && !copy) copies.set(key, found)
        return ++lookUps % 10 === 0 ? answer(found, copy) : found
      }
    }
  }
}

/** Storages over the same data, each of which fails to see what another does, and the case that is made for it. */
export const brokenSharing: Record<string, { caughtBy: string, createPair: () => [StorageAdapter, StorageAdapter] }> = {
  'one look-up in ten of a token is answered by a copy that has not heard of it': {
    caughtBy: manyTimes,
    createPair: () => pair(oneLookUpInTen(() => undefined))
  },
  'one look-up in ten of a token is answered by a copy that has not heard of its end': {
    caughtBy: manyTimes,
    createPair: () => pair(oneLookUpInTen((_found, copy) => copy))
  },
  'one look-up in ten of a token is answered with its user as it was': {
    caughtBy: manyTimes,
    createPair: () => pair(oneLookUpInTen((found, copy) => found && copy && { ...found, user: copy.user }))
  },
  'one look-up in ten of a token is answered with its expiry as it was': {
    caughtBy: manyTimes,
    createPair: () => pair(oneLookUpInTen((found, copy) => found && copy && { ...found, token: copy.token }))
  },
  'what is deleted after it is closed, it takes for deleted itself': {
    caughtBy: 'sharing: once it is closed, a write throws, or another process finds it done',
    createPair: () => pair((storage) => {
      let closed = false
      const hidden = new Set<string>()
      return {
        close: async () => { closed = true },
        revokeToken: async (id) => closed ? Boolean(hidden.add(id)) : storage.revokeToken(id),
        findTokenByHash: async (hash) => {
          const found = await storage.findTokenByHash(hash)
          return found && !hidden.has(found.token.id) ? found : undefined
        }
      }
    })
  },
  'each process has a cache': {
    caughtBy: 'sharing: what one process has written, another finds at once',
    createPair: () => pair((storage) => {
      const cache = new Map<string, Awaited<ReturnType<StorageAdapter['findTokenByHash']>>>()
      return {
        findTokenByHash: async (hash) => {
          const key = hash.toString('hex')
          if (!cache.has(key)) cache.set(key, await storage.findTokenByHash(hash))
          return cache.get(key)
        }
      }
    })
  },
  'nothing is kept': {
    caughtBy: 'sharing: what was written is there after a restart',
    createPair: () => [new MemoryStorage(), new MemoryStorage()]
  },
  'a lock keeps those of one process from adding an address twice': {
    caughtBy: 'sharing: of twenty users with one address, whom two processes add, one is added',
    createPair: () => pair((storage) => {
      const alone = oneAtATime()
      return {
        createUser: (user) => alone(async () => {
          const taken = await storage.findUserByEmail(user.email)
          await setImmediate()
          if (taken) return 'taken' as const
          const record = await storage.createUser(user)
          return record === 'taken' ? await storage.findUserByEmail(user.email) as UserRecord : record
        })
      }
    })
  },
  'a lock keeps those of one process from patching one revision': {
    caughtBy: 'sharing: of ten patches of one revision by two processes, one is written',
    createPair: () => pair((storage) => {
      const alone = oneAtATime()
      return {
        updateUser: (id, changes, revision) => alone(async () => {
          const user = await storage.findUser(id)
          await setImmediate()
          return user === undefined || (revision !== undefined && user.revision !== revision) ? 'absent' as const : storage.updateUser(id, changes)
        })
      }
    })
  },
  'a lock keeps those of one process from rotating a token twice': {
    caughtBy: 'sharing: of ten rotations of one token by two processes, one mints a successor',
    createPair: () => pair((storage) => {
      const alone = oneAtATime()
      return {
        rotateToken: (id, replace) => alone(async () => {
          let old: TokenRecord | undefined
          await storage.rotateToken(id, (token) => { old = token; return 'rejected' })
          await setImmediate()
          const replacement = old && replace(old)
          if (replacement === undefined) return 'absent' as const
          if (replacement === 'rejected') return replacement
          await storage.revokeToken(id)
          return storage.createToken(replacement.successor)
        })
      }
    })
  },
  'a lock keeps those of one process from minting for a user who is being deleted': {
    caughtBy: 'sharing: tokens that one process mints while another deletes their user open nothing',
    createPair: () => {
      const orphans = new Map<string, { token: TokenRecord, user: UserRecord }>()
      return pair((storage) => ({
        createToken: async (token) => {
          const user = await storage.findUser(token.user_id)
          await setImmediate()
          const inserted = await storage.createToken(token)
          if (inserted !== 'absent' || user === undefined) return inserted
          const orphan = { ...token, id: `9${orphans.size}`, last_used_at: null }
          orphans.set(token.hash.toString('hex'), { token: orphan, user })
          return orphan
        },
        findTokenByHash: async (hash) => await storage.findTokenByHash(hash) ?? orphans.get(hash.toString('hex'))
      }))
    }
  }
}

/** Two storages in one memory, some methods of each replaced. */
export function pair (breakIt: (storage: MemoryStorage) => Partial<StorageAdapter> = () => ({})): [StorageAdapter, StorageAdapter] {
  const storage = new MemoryStorage()
  return [replacing(storage, breakIt(storage)), replacing(storage, breakIt(storage))]
}

/** A storage in memory, and what makes its store fail. */
interface Failing {
  storage: StorageAdapter
  fail: () => void
}

/** A storage in memory each of whose methods throws once its store fails, but for some. */
export function failing (whileFailing: (storage: MemoryStorage) => Partial<StorageAdapter> = () => ({})): Failing {
  const storage = new MemoryStorage()
  const replaced = whileFailing(storage)
  let failed = false
  const methods = storageMethodNames.map((name) => [name, async (...parameters: never[]) => {
    if (!failed) return (storage[name] as (...parameters: never[]) => unknown)(...parameters)
    const method = replaced[name] as ((...parameters: never[]) => unknown) | undefined
    if (method === undefined) throw new Error(`${name} failed`)
    return method(...parameters)
  }])
  return { storage: Object.fromEntries(methods), fail: () => { failed = true } }
}

/** Storages that are broken while their store fails, and the case that is made for it. */
export const brokenFailing: Record<string, { caughtBy: string, create: () => Failing }> = {
  ...lyingAbout((method, lie) => ({ caughtBy: 'failing: while its store fails, every write throws', create: () => failing(() => ({ [method]: lie })) })),
  'a write is kept in memory until the store is back': {
    caughtBy: 'failing: while its store fails, every write throws',
    create: () => failing((storage) => ({ createUser: (user) => storage.createUser(user), findUser: (id) => storage.findUser(id) }))
  },
  'a token that cannot be looked up is not there': {
    caughtBy: 'failing: while its store fails, it may throw, but does not take what is there for absent',
    create: () => failing(() => ({ findTokenByHash: async () => undefined }))
  },
  'users that cannot be counted are none': {
    caughtBy: 'failing: while its store fails, it may throw, but does not take what is there for absent',
    create: () => failing(() => ({ countUsers: async () => 0 }))
  }
}
