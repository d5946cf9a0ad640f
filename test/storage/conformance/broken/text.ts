import { changedName, changedUser, searching, storedEmail, type BrokenByCase } from './breaking.js'

export const text: BrokenByCase = {
  'createUser, updateUser: keep each character of a name': {
    'names are trimmed': changedName((name) => name.trim()),
    'names are normalised': changedName((name) => name.normalize('NFC')),
    'names are cut at 255 code units': changedName((name) => name.slice(0, 255)),
    'names lose characters outside of the basic plane': changedName((name) =>
      name.replace(/[\u{10000}-\u{10FFFF}]/gu, '?')
    ),
    'an empty name becomes null': changedUser((user) => ({ ...user, name: user.name || null }))
  },
  'createToken, createUser: keep each character of names, scopes and data': {
    'scopes are joined by commas': (storage) => ({
      listTokens: async (userId) =>
        (await storage.listTokens(userId)).map((token) => ({
          ...token,
          scopes: token.scopes && token.scopes.join(',').split(',').filter(Boolean)
        }))
    })
  },
  'findUserByEmail: compares addresses byte by byte': {
    'addresses ignore case': storedEmail((email) => email.toLowerCase()),
    'addresses ignore accents': storedEmail((email) => email.normalize('NFD').replace(/\p{M}/gu, '')),
    'addresses are compared in the form NFKC': storedEmail((email) => email.normalize('NFKC'))
  },
  'listUsers, countUsers: search has no special characters': {
    'search has wildcards': searching((text, search) =>
      new RegExp(
        search
          .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
          .replaceAll('%', '.*')
          .replaceAll('_', '.')
      ).test(text)
    ),
    'search has regular expressions': searching((text, search) => {
      try {
        return new RegExp(search).test(text)
      } catch {
        return false
      }
    })
  },
  'createUser, updateUser: keep numbers, nesting and 16 KiB of data': {
    'data loses empty lists': changedUser((user) => ({
      ...user,
      data:
        user.data &&
        JSON.parse(JSON.stringify(user.data), (_, value) =>
          Array.isArray(value) && value.length === 0 ? undefined : value
        )
    })),
    'numbers in data are single-precision': changedUser((user) => ({
      ...user,
      data:
        user.data &&
        JSON.parse(JSON.stringify(user.data), (_, value) => (typeof value === 'number' ? Math.fround(value) : value))
    }))
  },
  'createUser, updateUser: keep 1 MiB of data': {
    'data of more than 64 KiB is lost': changedUser((user) => ({
      ...user, data: JSON.stringify(user.data).length < 65_536 ? user.data : null
    })),
    'updateUser keeps the old data when the new has 1 MiB': (storage) => ({
      updateUser: async (id, { data, ...changes }, revision) =>
        storage.updateUser(id, JSON.stringify(data).length < 100_000 ? { data, ...changes } : changes, revision)
    })
  },
  'createUser, createToken, touchTokens: keep each time to the millisecond': {
    'times lose their milliseconds': (storage) => ({
      createToken: async (token) =>
        storage.createToken({ ...token, expires_at: token.expires_at && token.expires_at.replace(/\.\d+/, '.000') })
    })
  }
}
