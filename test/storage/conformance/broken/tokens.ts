import type {
  ListedToken, NewTokenRecord, StorageAdapter, TokenRecord, TokenReplacement, UserRecord
} from '../../../../src/index.js'
import type { BrokenByCase } from './breaking.js'

export const tokens: BrokenByCase = {
  'createToken: stores each member, and findTokenByHash adds the user': {
    'createToken returns the hash': (storage) => ({
      createToken: async (token: NewTokenRecord) => {
        const created = await storage.createToken(token)
        return created === 'absent' ? created : { ...created, hash: token.hash }
      }
    }),
    'scopes of null become empty': (storage) => ({
      createToken: async (token) => storage.createToken({ ...token, scopes: token.scopes ?? [] })
    }),
    'a new token is not disabled': (storage) => ({
      createToken: async (token) => storage.createToken({ ...token, disabled: false })
    }),
    'findToken returns the whole user': (storage) => ({
      findToken: async (id) => {
        const found = await storage.findToken(id)
        return found && { ...found, user: await storage.findUser(found.user.id) as UserRecord }
      }
    }),
    'findTokenByHash returns no data of the token': (storage) => ({
      findTokenByHash: async (hash) => {
        const found = await storage.findTokenByHash(hash)
        return found && { ...found, token: { ...found.token, data: null } }
      }
    })
  },
  'findToken: finds nothing when the token was never created or has ended': {
    'keys are parsed as far as they are numbers': (storage) => ({
      findToken: async (id) => storage.findToken(String(parseInt(id)))
    }),
    'findToken throws when a key is no number': (storage) => ({
      findToken: async (id) => storage.findToken(String(BigInt(id)))
    }),
    'findToken returns the user as it was before': (storage) => {
      const users = new Map<string, ListedToken['user']>()
      return {
        createToken: async (token) => {
          const created = await storage.createToken(token)
          if (created !== 'absent') users.set(created.id, (await storage.findToken(created.id))?.user as UserRecord)
          return created
        },
        findToken: async (id) => {
          const found = await storage.findToken(id)
          return found && { ...found, user: users.get(id) ?? found.user }
        }
      }
    },
    'findToken finds a token after its end': (storage) => {
      const found = new Map<string, ListedToken | undefined>()
      return {
        findToken: async (id) => {
          found.set(id, await storage.findToken(id) ?? found.get(id))
          return found.get(id)
        }
      }
    }
  },
  'findTokenByHash: compares the whole hash byte by byte': {
    'hashes are compared as text': (storage) => {
      const bytes = (hash: Buffer) => Buffer.from(hash.toString('utf8'))
      return {
        createToken: async (token) => storage.createToken({ ...token, hash: bytes(token.hash) }),
        findTokenByHash: async (hash) => storage.findTokenByHash(bytes(hash))
      }
    },
    'hashes are compared without their trailing zeros': (storage) => {
      const bytes = (hash: Buffer) => Buffer.from(hash.toString('hex').replace(/(00)*$/, ''), 'hex')
      return {
        createToken: async (token) => storage.createToken({ ...token, hash: bytes(token.hash) }),
        findTokenByHash: async (hash) => storage.findTokenByHash(bytes(hash))
      }
    }
  },
  'findTokenByHash: returns the user as it is now': {
    'findTokenByHash returns the user as it was before': (storage) => {
      const found = new Map<string, Awaited<ReturnType<StorageAdapter['findTokenByHash']>>>()
      const remember = async (hash: Buffer) => {
        const answer = await storage.findTokenByHash(hash)
        if (answer) found.set(hash.toString('hex'), answer)
        return answer
      }
      return {
        createToken: async (token) => {
          const created = await storage.createToken(token)
          if (created !== 'absent') await remember(token.hash)
          return created
        },
        findTokenByHash: async (hash) => {
          const answer = await remember(hash)
          return answer && { token: answer.token, user: { ...answer.user, disabled: false } }
        }
      }
    }
  },
  "createToken: returns 'absent' and creates nothing when the user is absent": {
    'createToken creates a token of an absent user': (storage) => ({
      createToken: async (token) => {
        const created = await storage.createToken(token)
        return created !== 'absent' ? created : { ...token, id: '99', last_used_at: null }
      }
    })
  },
  'listTokens: returns the tokens of one user in order of creation': {
    'listTokens returns the newest token first': (storage) => ({
      listTokens: async (page) => (await storage.listTokens(page)).reverse()
    }),
    'listTokens returns the tokens of all users': (storage) => ({
      listTokens: async ({ userId, ...page }) => storage.listTokens(page)
    })
  },
  'revokeToken: revokes the token once, and no other token': {
    'findTokenByHash finds a revoked token': (storage) => {
      const deleted = new Set<string>()
      return {
        revokeToken: async (id) => {
          if (deleted.has(id) || !(await storage.findToken(id))) return false
          deleted.add(id)
          return true
        },
        listTokens: async (page) => (await storage.listTokens(page)).filter(({ token }) => !deleted.has(token.id))
      }
    },
    'revokeToken returns true each time': (storage) => ({
      revokeToken: async (id) => {
        await storage.revokeToken(id)
        return true
      }
    })
  },
  'revokeTokens: revokes all tokens of one user, and no other token': {
    'revokeTokens revokes the tokens of all users': (storage) => ({
      revokeTokens: async () => {
        for (const { id } of await storage.listUsers({ order: 'asc', skip: 0, limit: 1000 })) {
          await storage.revokeTokens(id)
        }
      }
    })
  },
  'rotateToken: deletes the old token and creates its successor': {
    'the old token stays valid': (storage) => ({
      rotateToken: async (id, replace) =>
        storage.rotateToken(id, (old) => {
          const replacement = replace(old)
          return replacement === 'rejected' ? replacement : { ...replacement, expires_at: '2099-01-01T00:00:00.000Z' }
        })
    }),
    'the successor never expires': (storage) => ({
      rotateToken: async (id, replace) =>
        storage.rotateToken(id, (old) => {
          const replacement = replace(old)
          return replacement === 'rejected'
            ? replacement
            : { ...replacement, successor: { ...replacement.successor, expires_at: null } }
        })
    }),
    'the successor of a disabled token is not disabled': (storage) => ({
      rotateToken: async (id, replace) =>
        storage.rotateToken(id, (old) => {
          const replacement = replace(old)
          return replacement === 'rejected'
            ? replacement
            : { ...replacement, successor: { ...replacement.successor, disabled: false } }
        })
    })
  },
  'rotateToken: sets the expiry of the old token when there is a grace period': {
    'the old token is deleted at once': (storage) => ({
      rotateToken: async (id, replace) =>
        storage.rotateToken(id, (old) => {
          const replacement = replace(old)
          return replacement === 'rejected' ? replacement : { ...replacement, expires_at: null }
        })
    })
  },
  'rotateToken: changes nothing when replace rejects or throws': {
    'rotateToken deletes the old token before it calls replace': (storage) => ({
      rotateToken: async (id, replace: (old: TokenRecord) => TokenReplacement | 'rejected') => {
        let seen: TokenRecord | undefined
        await storage.rotateToken(id, (old) => {
          seen = old
          return 'rejected'
        })
        if (seen === undefined) return 'absent'
        await storage.revokeToken(id)
        const replacement = replace(seen)
        return replacement === 'rejected' ? replacement : storage.createToken(replacement.successor)
      }
    })
  },
  "rotateToken: returns 'absent' when the key was never used": {
    'rotateToken calls replace before it looks the token up': (storage) => ({
      rotateToken: async (id, replace) => {
        replace({ id } as TokenRecord)
        return storage.rotateToken(id, replace)
      }
    })
  },
  'touchTokens: moves last_used_at forward only, and creates no token': {
    'last_used_at moves back': (storage) => {
      const used = new Map<string, string>()
      return {
        touchTokens: async (ids, time) => {
          for (const id of ids) used.set(id, time)
        },
        listTokens: async (page) =>
          (await storage.listTokens(page)).map(({ token, user }) =>
            ({ token: { ...token, last_used_at: used.get(token.id) ?? null }, user }))
      }
    },
    'touchTokens creates a revoked token again': (storage) => {
      const tokens = new Map<string, NewTokenRecord>()
      return {
        createToken: async (token) => {
          const created = await storage.createToken(token)
          if (created !== 'absent') tokens.set(created.id, token)
          return created
        },
        touchTokens: async (ids, time) => {
          for (const id of ids) {
            const token = tokens.get(id)
            if (token !== undefined && !(await storage.findToken(id))) await storage.createToken(token)
          }
          await storage.touchTokens(ids, time)
        }
      }
    }
  },
  'touchTokens: updates hundreds of tokens in one call': {
    'touchTokens updates only 100 tokens': (storage) => ({
      touchTokens: async (ids, time) => storage.touchTokens(ids.slice(0, 100), time)
    })
  }
}
