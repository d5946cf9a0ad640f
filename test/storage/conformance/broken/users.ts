import {
  normalizeForSearch,
  type UserChanges,
  type UserPage,
  type TokenRecord,
  type UserRecord
} from '../../../../src/index.js'
import { changedUser, searching, type BrokenByCase } from './breaking.js'

export const users: BrokenByCase = {
  'createUser: stores each member, and every look-up returns the same record': {
    'listUsers returns keys as numbers': (storage) => ({
      listUsers: async (page) =>
        (await storage.listUsers(page)).map((user) => ({ ...user, id: Number(user.id) as never }))
    }),
    'a name of null becomes empty': changedUser((user) => ({ ...user, name: user.name ?? '' })),
    'the time of creation is rounded to seconds': changedUser((user) => ({
      ...user,
      created_at: user.created_at.replace(/\.\d+/, '.000')
    }))
  },
  "createUser: returns 'taken' and changes nothing when the address is taken": {
    'a taken address overwrites the name': (storage) => ({
      createUser: async (user) => {
        const created = await storage.createUser(user)
        if (created !== 'taken') return created
        const { id } = (await storage.findUserByEmail(user.email)) as UserRecord
        await storage.updateUser(id, { name: user.name })
        return 'taken'
      }
    })
  },
  'createUser: accepts an address after its user is deleted or has another': {
    'a deleted address stays taken': (storage) => {
      const seen = new Set<string>()
      return {
        createUser: async (user) => {
          if (seen.has(user.email)) return 'taken'
          seen.add(user.email)
          return storage.createUser(user)
        }
      }
    }
  },
  'createUser, createToken: never reuse a key, even after a deletion': {
    'a new user gets the key of a deleted user': (storage) => {
      let real = ''
      return {
        createUser: async (user) => {
          const created = await storage.createUser(user)
          if (created === 'taken') return created
          real = created.id
          return { ...created, id: '1' }
        },
        deleteUser: async (id) => storage.deleteUser(id === '1' ? real : id)
      }
    }
  },
  'findUser, updateUser, deleteUser: find nothing when the key was never used': {
    'keys are parsed as far as they are numbers': (storage) => ({
      findUser: async (id) => storage.findUser(String(parseInt(id)))
    }),
    'deleteUser throws when a key is no number': (storage) => ({
      deleteUser: async (id) => storage.deleteUser(String(BigInt(id)))
    }),
    'listUsers throws when after is no number': (storage) => ({
      listUsers: async (page) => {
        BigInt(page.after ?? 0)
        return storage.listUsers(page)
      }
    })
  },
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
  },
  'updateUser: sets the given members only, and a new revision': {
    'updateUser sets missing data to null': (storage) => ({
      updateUser: async (id, changes, revision) => storage.updateUser(id, { data: null, ...changes }, revision)
    }),
    'updateUser returns the user as it was before': (storage) => ({
      updateUser: async (id, changes, revision) => {
        const before = await storage.findUser(id)
        const updated = await storage.updateUser(id, changes, revision)
        return typeof updated === 'string' ? updated : (before as UserRecord)
      }
    }),
    'updateUser keeps the revision when no member is given': (storage) => ({
      updateUser: async (id, changes, revision) =>
        Object.keys(changes).length > 0
          ? storage.updateUser(id, changes, revision)
          : ((await storage.findUser(id)) ?? 'absent')
    }),
    "updateUser returns 'taken' for the user's own address": (storage) => ({
      updateUser: async (id, changes, revision) =>
        changes.email !== undefined && (await storage.findUserByEmail(changes.email))
          ? 'taken'
          : storage.updateUser(id, changes, revision)
    })
  },
  "updateUser: returns 'taken' and changes nothing when the address is taken": {
    'updateUser writes the other members when the address is taken': (storage) => ({
      updateUser: async (id, { email, ...changes }: UserChanges, revision) => {
        const updated = await storage.updateUser(id, changes, revision)
        return updated === 'absent' || email === undefined ? updated : storage.updateUser(id, { email })
      }
    })
  },
  "updateUser: returns 'absent' and changes nothing when the revision is stale": {
    'updateUser ignores the revision': (storage) => ({
      updateUser: async (id, changes) => storage.updateUser(id, changes)
    })
  },
  'deleteUser: deletes the user with its tokens once, and no other user': {
    'tokens outlive their user': (storage) => {
      const owners = new Map<string, UserRecord>()
      const tokens = new Map<string, TokenRecord>()
      return {
        createToken: async (token) => {
          const created = await storage.createToken(token)
          if (created !== 'absent') {
            tokens.set(token.hash.toString('hex'), created)
            owners.set(token.user_id, (await storage.findUser(token.user_id)) as UserRecord)
          }
          return created
        },
        findTokenByHash: async (hash) => {
          const token = tokens.get(hash.toString('hex'))
          return (
            (await storage.findTokenByHash(hash)) ??
            (token && { token, user: owners.get(token.user_id) as UserRecord })
          )
        }
      }
    },
    'deleteUser returns true each time': (storage) => ({
      deleteUser: async (id) => {
        await storage.deleteUser(id)
        return /^\d{1,5}$/.test(id)
      }
    })
  },
  'createUser, findUser: store no change that a caller makes to a record': {
    'findUser returns the stored object itself': (storage) => {
      const kept = new Map<string, UserRecord>()
      return {
        createUser: async (user) => {
          const created = await storage.createUser(user)
          if (created !== 'taken') kept.set(created.id, created)
          return created
        },
        updateUser: async (id, changes, revision) => {
          kept.delete(id)
          return storage.updateUser(id, changes, revision)
        },
        deleteUser: async (id) => {
          kept.delete(id)
          return storage.deleteUser(id)
        },
        findUser: async (id) => kept.get(id) ?? storage.findUser(id)
      }
    }
  }
}
