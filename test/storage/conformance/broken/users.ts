import type { TokenRecord, UserChanges, UserRecord } from '../../../../src/index.js'
import { changedUser, type BrokenByCase } from './breaking.js'

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
  'deleteUser: returns false and changes nothing when the revision is stale': {
    'deleteUser ignores the revision': (storage) => ({
      deleteUser: async (id) => storage.deleteUser(id)
    }),
    'deleteUser revokes the tokens before it compares the revision': (storage) => ({
      deleteUser: async (id, revision) => {
        await storage.revokeTokens(id)
        return storage.deleteUser(id, revision)
      }
    }),
    'deleteUser with a revision deletes nothing': (storage) => ({
      deleteUser: async (id, revision) => revision === undefined && storage.deleteUser(id)
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
