import { normalizeForSearch, type UserPage } from '../../../../src/index.js'
import { searching, type BrokenByCase } from './breaking.js'

export const lists: BrokenByCase = {
  'listUsers: returns users in order of creation, or in reverse': {
    'users are sorted by address': (storage) => ({
      listUsers: async ({ order, skip, limit }) => {
        const users = (await storage.listUsers({ order: 'asc', skip: 0, limit: 1000 })).sort((a, b) =>
          a.email < b.email ? -1 : 1
        )
        return (order === 'asc' ? users : users.reverse()).slice(skip, skip + limit)
      }
    }),
    'listUsers ignores order': (storage) => ({
      listUsers: async (page) => storage.listUsers({ ...page, order: 'asc' })
    })
  },
  'listUsers: applies skip and limit': {
    'listUsers returns one user too many': (storage) => ({
      listUsers: async (page) => storage.listUsers({ ...page, limit: page.limit + 1 })
    }),
    'listUsers ignores skip': (storage) => ({ listUsers: async (page) => storage.listUsers({ ...page, skip: 0 }) }),
    'listUsers throws when skip is huge': (storage) => ({
      listUsers: async (page) => {
        if (page.skip > 2 ** 31) throw new Error('out of range')
        return storage.listUsers(page)
      }
    })
  },
  'listUsers: starts after a user, even when that user is deleted': {
    'the list starts again after a deleted user': (storage) => ({
      listUsers: async ({ after, ...page }: UserPage) =>
        storage.listUsers(after !== undefined && (await storage.findUser(after)) ? { after, ...page } : page)
    }),
    'the reverse list includes the user that it starts after': (storage) => ({
      listUsers: async ({ order, after, ...page }) =>
        storage.listUsers({
          order,
          after: order === 'desc' && after !== undefined ? String(Number(after) + 1) : after,
          ...page
        })
    })
  },
  'listUsers: keeps the order when keys get more digits': {
    'keys are compared as text': (storage) => ({
      listUsers: async ({ after = '', limit }) =>
        (await storage.listUsers({ order: 'asc', skip: 0, limit: 1000 }))
          .filter(({ id }) => id > after)
          .sort((a, b) => (a.id < b.id ? -1 : 1))
          .slice(0, limit)
    })
  },
  'updateUser: leaves the user in its place in the list': {
    'a changed user moves to the end': (storage) => {
      const changed: string[] = []
      return {
        updateUser: async (id, changes, revision) => {
          changed.push(id)
          return storage.updateUser(id, changes, revision)
        },
        listUsers: async (page) =>
          (await storage.listUsers(page)).sort((a, b) => changed.indexOf(a.id) - changed.indexOf(b.id))
      }
    }
  },
  'listUsers, countUsers: search matches any part of the address or the name': {
    'search ignores names': searching((text, search) => text.includes('@') && text.includes(search)),
    'search matches only the beginning': searching((text, search) => text.startsWith(search)),
    'countUsers ignores search': (storage) => ({ countUsers: async () => storage.countUsers() })
  },
  'listUsers: search works with after, skip, limit and either order': {
    'search ignores after': (storage) => ({
      listUsers: async ({ after, ...page }) =>
        storage.listUsers(page.search === undefined ? { after, ...page } : page)
    }),
    'search ignores limit': (storage) => ({
      listUsers: async (page) => storage.listUsers(page.search === undefined ? page : { ...page, limit: 1000 })
    }),
    'search ignores order, after and skip': (storage) => ({
      listUsers: async (page) =>
        storage.listUsers(
          page.search === undefined ? page : { order: 'asc', skip: 0, limit: page.limit, search: page.search }
        )
    })
  },
  'listUsers, countUsers: disabled selects users, with and without search': {
    'listUsers ignores disabled': (storage) => ({
      listUsers: async ({ disabled, ...page }) => storage.listUsers(page)
    }),
    'listUsers ignores disabled with a search': (storage) => ({
      listUsers: async ({ disabled, ...page }) =>
        storage.listUsers(page.search === undefined ? { disabled, ...page } : page)
    }),
    'listUsers ignores disabled: false': (storage) => ({
      listUsers: async ({ disabled, ...page }) => storage.listUsers({ ...page, disabled: disabled || undefined })
    }),
    'listUsers selects from the users of a page': (storage) => ({
      listUsers: async ({ disabled, ...page }) =>
        (await storage.listUsers(page)).filter((user) => disabled === undefined || user.disabled === disabled)
    }),
    'countUsers ignores disabled': (storage) => ({
      countUsers: async ({ search } = {}) => storage.countUsers({ search })
    }),
    'countUsers ignores search': (storage) => ({
      countUsers: async ({ disabled } = {}) => storage.countUsers({ disabled })
    })
  },
  'listUsers: search matches the normalizeForSearch form, also after an update': {
    'search folds the case of ASCII letters only': (storage) => ({
      listUsers: async ({ search, ...page }) =>
        (await storage.listUsers(page)).filter(
          ({ email, name }) =>
            search === undefined ||
            `${email}\n${(name ?? '').replace(/[A-Z]/g, (letter) => letter.toLowerCase())}`.includes(search)
        )
    }),
    'search folds case without normalising': searching((text, search) => text.includes(search)),
    'search finds a name from before an update': (storage) => {
      const names = new Map<string, string>()
      return {
        createUser: async (user) => {
          const created = await storage.createUser(user)
          if (created !== 'taken') names.set(created.id, (user.name ?? '').toLowerCase())
          return created
        },
        listUsers: async ({ search, ...page }) =>
          (await storage.listUsers(page)).filter(
            ({ id, email }) => search === undefined || email.includes(search) || names.get(id)?.includes(search)
          )
      }
    }
  },
  'listUsers: search treats both small sigmas as one, in addresses and names': {
    'search does not normalise addresses': (storage) => ({
      listUsers: async ({ search, ...page }) =>
        (await storage.listUsers(page)).filter(
          ({ email, name }) =>
            search === undefined || email.includes(search) || normalizeForSearch(name ?? '').includes(search)
        )
    })
  }
}
