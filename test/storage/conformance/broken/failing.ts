import { MemoryStorage } from '../../../../examples/custom-storage.js'
import type { StorageAdapter } from '../../../../src/index.js'
import { storageMethodNames } from '../../../../src/storage/storage-adapter.js'
import { callOf, lyingAbout, type Breaking, type ByCase } from './breaking.js'

/** A storage and a function that makes its store fail. */
export interface Failing {
  storage: StorageAdapter
  fail: () => void
}

/** Creates a storage whose methods throw while its store fails, except those that `breakIt` returns. */
export function failingStorage (breakIt: Breaking = () => ({})): Failing {
  const storage = new MemoryStorage()
  const whileFailing = breakIt(storage) as StorageAdapter
  let failed = false
  const methods = storageMethodNames.map((name) => [
    name,
    async (...parameters: unknown[]) => {
      if (!failed) return callOf(storage, name)(...parameters)
      if (whileFailing[name] === undefined) throw new Error(`${name} failed`)
      return callOf(whileFailing, name)(...parameters)
    }
  ])
  return {
    storage: Object.fromEntries(methods),
    fail: () => {
      failed = true
    }
  }
}

export const failing: ByCase<Breaking> = {
  'failing: each write throws while the store fails': {
    ...lyingAbout<Breaking>((method, lie) => () => ({ [method]: lie })),
    'createUser keeps the user in memory': (storage) => ({
      createUser: (user) => storage.createUser(user),
      findUser: (id) => storage.findUser(id)
    })
  },
  'failing: each read throws, or finds the record, while the store fails': {
    'findTokenByHash returns undefined': () => ({ findTokenByHash: async () => undefined }),
    'countUsers returns 0': () => ({ countUsers: async () => 0 })
  }
}
