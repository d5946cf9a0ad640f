import { setImmediate } from 'node:timers/promises'
import type { NewTokenRecord, TokenRecord, UserRecord } from '../../../../src/index.js'
import { tokensOf } from '../../../../src/storage/conformance/records.js'
import { allTokens, leavingOrphans, type BrokenByCase } from './breaking.js'

export const races: BrokenByCase = {
  'createUser: creates one user when 20 calls have one address': {
    'createUser looks the address up before it creates the user': (storage) => {
      const emails = new Map<string, string>()
      return {
        createUser: async (user) => {
          if (await storage.findUserByEmail(user.email)) return 'taken'
          await setImmediate()
          const created = await storage.createUser({
            ...user,
            email: emails.has(user.email) ? `${user.email}.${emails.size}` : user.email
          })
          emails.set(user.email, user.email)
          return created === 'taken' ? created : { ...created, email: user.email }
        }
      }
    }
  },
  'updateUser: gives an address to one user when 10 calls ask for it': {
    'updateUser looks the address up before it updates the user': (storage) => ({
      updateUser: async (id, changes, revision) => {
        const taken = changes.email !== undefined && (await storage.findUserByEmail(changes.email))
        await setImmediate()
        if (taken) return storage.updateUser(id, changes, revision)
        const { email, ...rest } = changes
        const updated = await storage.updateUser(id, changes, revision)
        return updated === 'taken' ? storage.updateUser(id, rest, revision) : updated
      }
    })
  },
  'createUser, createToken: return different keys when called at once': {
    'createUser reads the next key before it uses it': (storage) => {
      let last = 0
      return {
        createUser: async (user) => {
          const key = last + 1
          const created = await storage.createUser(user)
          last = key
          return created === 'taken' ? created : { ...created, id: String(key) }
        }
      }
    }
  },
  'updateUser: succeeds once when 10 calls have one revision': {
    'updateUser compares the revision before it updates the user': (storage) => ({
      updateUser: async (id, changes, revision) => {
        const user = await storage.findUser(id)
        await setImmediate()
        return user === undefined || (revision !== undefined && user.revision !== revision)
          ? 'absent'
          : storage.updateUser(id, changes)
      }
    })
  },
  'updateUser: loses no change when 20 callers read, update and try again': {
    'the revision stays the same for four updates': (storage) => ({
      findUser: async (id) => {
        const user = await storage.findUser(id)
        return user && { ...user, revision: Math.floor(user.revision / 4) }
      },
      updateUser: async (id, changes, revision) => {
        const current = await storage.findUser(id)
        const updated = await storage.updateUser(
          id,
          changes,
          revision === undefined || Math.floor((current?.revision ?? 0) / 4) !== revision ? revision : undefined
        )
        return typeof updated === 'string' ? updated : { ...updated, revision: Math.floor(updated.revision / 4) }
      }
    })
  },
  'updateUser: loses no change when calls update different members at once': {
    'updateUser writes all members back': (storage) => ({
      updateUser: async (id, changes, revision) => {
        const user = await storage.findUser(id)
        await setImmediate()
        const { name, email, data, disabled, max_concurrent_bots: bots } = user as UserRecord
        return storage.updateUser(
          id,
          { name, email, data, disabled, max_concurrent_bots: bots, ...changes },
          revision
        )
      }
    })
  },
  'updateUser, deleteUser: succeed once when 10 calls have one revision': {
    'deleteUser compares the revision before it deletes the user': (storage) => ({
      deleteUser: async (id, revision) => {
        const user = await storage.findUser(id)
        await setImmediate()
        return user?.revision === revision && storage.deleteUser(id)
      }
    })
  },
  'revokeToken, deleteUser: return true once when called 10 times at once': {
    'deleteUser looks the user up before it deletes the user': (storage) => ({
      deleteUser: async (id) => {
        const user = await storage.findUser(id)
        await setImmediate()
        await storage.deleteUser(id)
        return user !== undefined
      }
    })
  },
  'findTokenByHash: finds no token when the look-up begins after its end': {
    'revokeToken returns true before it revokes the token': (storage) => ({
      revokeToken: async (id) => {
        setImmediate().then(() => storage.revokeToken(id))
        return true
      }
    })
  },
  'createToken: leaves no token when its user is deleted at the same time': {
    'createToken looks the user up before it creates the token': (storage) => leavingOrphans(new Map())(storage)
  },
  'rotateToken: leaves no successor when all tokens are revoked meanwhile': {
    'revokeTokens lists the tokens before it revokes them': (storage) => ({
      revokeTokens: async (userId) => {
        const tokens = await tokensOf(storage, userId)
        await setImmediate()
        for (const { id } of tokens) await storage.revokeToken(id)
      },
      rotateToken: async (id, replace) => {
        await Promise.resolve()
        return storage.rotateToken(id, replace)
      }
    })
  },
  'rotateToken: creates one successor when called 10 times at once': {
    'rotateToken reads the token before it locks it': (storage) => ({
      rotateToken: async (id, replace) => {
        let old: TokenRecord | undefined
        await storage.rotateToken(id, (token) => {
          old = token
          return 'rejected'
        })
        await setImmediate()
        if (old === undefined) return 'absent'
        const replacement = replace(old)
        if (replacement === 'rejected') return replacement
        await storage.revokeToken(id)
        return storage.createToken(replacement.successor)
      }
    })
  },
  'rotateToken: passes the current token to replace when called at once': {
    'rotateToken passes an old token to replace': (storage) => ({
      rotateToken: async (id, replace) => {
        let old: TokenRecord | undefined
        await storage.rotateToken(id, (token) => {
          old = token
          return 'rejected'
        })
        await setImmediate()
        return storage.rotateToken(id, () => replace(old as TokenRecord))
      }
    })
  },
  'touchTokens: brings no token back when it is revoked at the same time': {
    'touchTokens writes the token back': (storage) => {
      const hashes = new Map<string, NewTokenRecord>()
      return {
        createToken: async (token) => {
          const created = await storage.createToken(token)
          if (created !== 'absent') hashes.set(created.id, token)
          return created
        },
        touchTokens: async (ids, time) => {
          const there = new Set((await allTokens(storage)).map(({ id }) => id))
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
    },
    'revokeToken returns true after touchTokens of a revoked token': (storage) => {
      const ghosts = new Set<string>()
      return {
        touchTokens: async (ids, time) => {
          for (const id of ids) ghosts.add(id)
          await storage.touchTokens(ids, time)
        },
        revokeToken: async (id) => (await storage.revokeToken(id)) || ghosts.delete(id)
      }
    }
  }
}
