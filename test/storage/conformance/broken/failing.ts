import { MemoryStorage } from '../../../../examples/custom-storage.js'
import type { NewAuditRecord, StorageAdapter } from '../../../../src/index.js'
import { changeNames, eachChange, writeAlone } from './audit-breaking.js'
import { allMethodNames, callOf, lyingAbout, type Breaking, type ByCase } from './breaking.js'

/** A storage and functions that make its store fail. */
export interface Failing {
  storage: StorageAdapter
  fail: () => void
  failAudit: () => void
}

/** Creates a storage whose methods throw while its store fails, except those that `breakIt` returns. */
export function failingStorage (breakIt: Breaking = () => ({})): Failing {
  const storage = new MemoryStorage()
  const whileFailing = breakIt(storage) as MemoryStorage
  let failed: 'all' | 'entries' | undefined
  const hasEntry = (parameters: unknown[]) =>
    parameters.some((parameter) => (parameter as NewAuditRecord | undefined)?.action !== undefined)
  const methods = allMethodNames.map((name) => [
    name,
    async (...parameters: unknown[]) => {
      const fails = failed === 'all' || (failed === 'entries' && hasEntry(parameters))
      if (!fails) return callOf(storage, name)(...parameters)
      if (whileFailing[name] === undefined) throw new Error(`${name} failed`)
      return callOf(whileFailing, name)(...parameters)
    }
  ])
  return {
    storage: Object.fromEntries(methods),
    fail: () => {
      failed = 'all'
    },
    failAudit: () => {
      failed = 'entries'
    }
  }
}

/** Makes each read find the records although the store fails. */
const reading = (faults: Record<string, Breaking>): Record<string, Breaking> =>
  Object.fromEntries(Object.entries(faults).map(([fault, breakIt]) => [fault, (storage) => ({
    listUsers: (page) => storage.listUsers(page),
    listTokens: (page) => storage.listTokens(page),
    listAudit: (page) => storage.listAudit(page),
    ...breakIt(storage)
  })]))

/** Changes that throw, and leave the change or its entry. */
const leavingOne: Record<string, Breaking> = {
  ...eachChange('keeps its change without its entry', changeNames, async (call) => {
    await call()
    throw new Error('the entry failed')
  }),
  ...eachChange('keeps its entry without its change', changeNames, async (_call, entry, storage) => {
    await writeAlone(storage, entry)
    throw new Error('the change failed')
  }),
  ...eachChange('hides the error', changeNames, (call) => call())
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
    'countUsers returns 0': () => ({ countUsers: async () => 0 }),
    'findToken returns undefined': () => ({ findToken: async () => undefined }),
    'listTokens returns no token': () => ({ listTokens: async () => [] }),
    'countTokens returns 0': () => ({ countTokens: async () => 0 }),
    'listAudit returns no entry': () => ({ listAudit: async () => [] }),
    'listHashedTokens returns no token': () => ({ listHashedTokens: async () => [] })
  },
  'failing: a change throws, and leaves no entry, while the store fails': reading(leavingOne),
  'failing: a change throws, and is not made, when its entry cannot be written': leavingOne,
  'failing: an import throws, and is not made, when its entries cannot be written': {
    'importUsers creates the users without their entries': (storage) => ({
      importUsers: (batch) => storage.importUsers(batch)
    }),
    'importUsers throws, and creates the first user': (storage) => ({
      importUsers: async ({ records: [first], dryRun }) => {
        await storage.importUsers({ records: first ? [first] : [], dryRun })
        throw new Error('the entries failed')
      }
    }),
    'importTokens writes an entry, and throws': (storage) => ({
      importTokens: async (_batch, entry) => {
        await writeAlone(storage, entry)
        throw new Error('the tokens failed')
      }
    })
  }
}
