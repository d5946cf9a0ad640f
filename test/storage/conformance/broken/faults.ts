import { callOf, lyingAbout, type BrokenByCase } from './breaking.js'

export const faults: BrokenByCase = {
  'close: a later write throws, or is done': lyingAbout((method, lie) => (storage) => {
    let closed = false
    return {
      close: async () => {
        closed = true
      },
      [method]: async (...parameters: never[]) =>
        closed ? lie(...parameters) : callOf(storage, method)(...parameters)
    }
  }),
  'close: a later read throws, or finds the record': {
    'findTokenByHash returns undefined after close': (storage) => {
      let closed = false
      return {
        close: async () => {
          closed = true
        },
        findTokenByHash: async (hash) => (closed ? undefined : storage.findTokenByHash(hash))
      }
    },
    'listAudit returns no entry after close': (storage) => {
      let closed = false
      return {
        close: async () => {
          closed = true
        },
        listAudit: async (page) => (closed ? [] : storage.listAudit(page))
      }
    },
    'listTokens returns no token after close': (storage) => {
      let closed = false
      return {
        close: async () => {
          closed = true
        },
        listTokens: async (page) => (closed ? [] : storage.listTokens(page))
      }
    }
  },
  'app: returns 503 without secrets while the storage throws, then recovers': {
    'createUser throws for a time of today': (storage) => ({
      createUser: async (user) => {
        if (user.created_at > '2025' && user.created_at < '2090') throw new Error('today')
        return storage.createUser(user)
      }
    })
  }
}
