import { changedName, changedToken, changedUser, searching, storedEmail, type BrokenByCase } from './breaking.js'

/** Returns a copy of `data` in which `change` has replaced each value. */
const mapped = (data: Record<string, unknown> | null, change: (value: unknown) => unknown) =>
  data && JSON.parse(JSON.stringify(data), (_, value) => change(value))

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
      listTokens: async (page) =>
        (await storage.listTokens(page)).map(({ token, user }) => ({
          token: { ...token, scopes: token.scopes && token.scopes.join(',').split(',').filter(Boolean) }, user
        }))
    }),
    'members of data are trimmed': changedToken((token) => ({
      ...token, data: mapped(token.data, (value) => typeof value === 'string' ? value.trim() : value)
    }))
  },
  'updateToken: keeps each character of names, scopes and data': {
    'updateToken trims names': (storage) => ({
      updateToken: async (id, change) => storage.updateToken(id, (current) => {
        const changes = change(current)
        return changes === 'rejected' ? changes : { ...changes, name: changes.name?.trim() }
      })
    }),
    'updateToken normalises scopes': (storage) => ({
      updateToken: async (id, change) => storage.updateToken(id, (current) => {
        const changes = change(current)
        return changes === 'rejected'
          ? changes
          : { ...changes, scopes: changes.scopes?.map((scope) => scope.normalize('NFC')) }
      })
    })
  },
  'createToken: keeps each character of start': {
    'start loses trailing spaces': changedToken((token) => ({ ...token, start: token.start && token.start.trimEnd() })),
    'start is cut at 32 characters': changedToken((token) => ({ ...token, start: token.start && token.start.slice(0, 32) })),
    'start is in lower case': changedToken((token) => ({ ...token, start: token.start && token.start.toLowerCase() }))
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
  'createToken, updateToken: keep numbers, nesting and 16 KiB of data': {
    'data loses empty lists': changedToken((token) => ({
      ...token, data: mapped(token.data, (value) => Array.isArray(value) && value.length === 0 ? undefined : value)
    })),
    'numbers in data are single-precision': changedToken((token) => ({
      ...token, data: mapped(token.data, (value) => typeof value === 'number' ? Math.fround(value) : value)
    }))
  },
  'createUser, updateUser: keep numbers, nesting and 16 KiB of data': {
    'data loses empty lists': changedUser((user) => ({
      ...user, data: mapped(user.data, (value) => Array.isArray(value) && value.length === 0 ? undefined : value)
    })),
    'numbers in data are single-precision': changedUser((user) => ({
      ...user, data: mapped(user.data, (value) => typeof value === 'number' ? Math.fround(value) : value)
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
  'createToken, updateToken: keep 1 MiB of data': {
    'data of more than 64 KiB is lost': changedToken((token) => ({
      ...token, data: JSON.stringify(token.data).length < 65_536 ? token.data : null
    })),
    'updateToken keeps the old data when the new has 1 MiB': (storage) => ({
      updateToken: async (id, change) => storage.updateToken(id, (current) => {
        const changes = change(current)
        return changes === 'rejected' || JSON.stringify(changes).length < 100_000 ? changes : {}
      })
    }),
    'findTokenByHash returns the data of the token for the user': (storage) => ({
      findTokenByHash: async (hash) => {
        const found = await storage.findTokenByHash(hash)
        return found && { ...found, user: { ...found.user, data: found.token.data } }
      }
    })
  },
  'createUser, createToken, touchTokens: keep each time to the millisecond': {
    'times lose their milliseconds': (storage) => ({
      createToken: async (token) =>
        storage.createToken({ ...token, expires_at: token.expires_at && token.expires_at.replace(/\.\d+/, '.000') })
    })
  }
}
