import { AssertionError } from 'node:assert'
import t from 'tap'
import { MemoryStorage } from '../../../examples/custom-storage.js'
import type { StorageAdapter } from '../../../src/index.js'
import { testStorage, type TestStorageOptions } from '../../../src/storage/conformance/index.js'
import { auditMethodNames, portableMethodNames } from '../../../src/storage/storage-adapter.js'
import { run } from '../../support/child.js'
import { replacing, type AnyStorage } from './broken/breaking.js'
import { failing, failingStorage, type Failing } from './broken/failing.js'
import { broken } from './broken/index.js'
import { pairOf, sharing } from './broken/sharing.js'

/** Every storage has to pass this case before the others say anything. */
const isEmpty = 'open: leaves a new storage empty'

/** The answer of each method that does nothing. MemoryStorage itself has nothing to open or close. */
const emptyAnswers = {
  createUser: 'taken',
  findUser: undefined,
  findUserByEmail: undefined,
  listUsers: [],
  countUsers: 0,
  updateUser: 'absent',
  deleteUser: false,
  createToken: 'absent',
  findTokenByHash: undefined,
  findToken: undefined,
  listTokens: [],
  countTokens: 0,
  updateToken: 'absent',
  rotateToken: 'absent',
  revokeToken: false,
  revokeTokens: undefined,
  pruneTokens: { deleted: 0 },
  touchTokens: undefined,
  listAudit: [],
  pruneAudit: { deleted: 0 },
  importUsers: [],
  importTokens: [],
  listHashedTokens: []
} satisfies Record<Exclude<keyof AnyStorage, 'open' | 'close'>, unknown>

interface Report {
  names: string[]
  failures: Map<string, Error>
}

/** Runs the suite, or the cases in `only`, and returns the names of all cases and the errors of those that failed. */
async function conformance (
  createStorage: () => StorageAdapter,
  options: TestStorageOptions = {},
  only?: string[]
): Promise<Report> {
  const names: string[] = []
  const failures = new Map<string, Error>()
  const cases: Array<() => Promise<void>> = []
  testStorage(
    (name, run) => {
      names.push(name)
      if (only?.includes(name) ?? true) {
        cases.push(async () => {
          await run().catch((error) => failures.set(name, error))
        })
      }
    },
    createStorage,
    options
  )
  for (const run of cases) await run()
  return { names, failures }
}

function conformanceOfPair (createPair: () => [StorageAdapter, StorageAdapter], only?: string[]): Promise<Report> {
  let other: StorageAdapter
  const createStorage = () => {
    const [one, two] = createPair()
    other = two
    return one
  }
  return conformance(createStorage, { share: () => other }, only)
}

function conformanceOfFailing (breakIt?: Parameters<typeof failingStorage>[0], only?: string[]): Promise<Report> {
  const stores = new Map<StorageAdapter, Failing>()
  const createStorage = () => {
    const failing = failingStorage(breakIt)
    stores.set(failing.storage, failing)
    return failing.storage
  }
  const options: TestStorageOptions = {
    fail: (storage) => stores.get(storage)?.fail(),
    failAudit: (storage) => stores.get(storage)?.failAudit()
  }
  return conformance(createStorage, options, only)
}

function conformanceOfBroken (
  breakIt: (storage: MemoryStorage) => Partial<AnyStorage>,
  only?: string[]
): Promise<Report> {
  const createStorage = () => {
    const storage = new MemoryStorage()
    return replacing(storage, breakIt(storage))
  }
  return conformance(createStorage, {}, only)
}

t.test('conformance: MemoryStorage passes under tap', async (t) => {
  testStorage(
    (name, run) => t.test(name, run),
    () => new MemoryStorage()
  )
})

t.test('conformance: MemoryStorage passes under node:test', async (t) => {
  const child = run(t, 'examples/custom-storage.test.ts')
  t.equal(await child.exit, 0, child.output())
  const { names } = await conformance(() => new MemoryStorage())
  t.match(child.output(), new RegExp(`pass ${names.length}\\s`))
})

t.test('conformance: each name is unique and at most 80 characters long', async (t) => {
  const { names } = await conformance(
    () => new MemoryStorage(),
    { share: () => new MemoryStorage(), fail: () => {}, failAudit: () => {} },
    []
  )
  t.same(
    names.filter((name, i) => name.length > 80 || names.indexOf(name) !== i),
    []
  )
})

t.test('conformance: each case fails when a storage is broken in that case', async (t) => {
  const { names } = await conformance(() => new MemoryStorage(), {}, [])
  t.same([isEmpty, ...Object.keys(broken)].sort(), names.sort(), 'the table has a broken storage for each case')
  for (const [name, faults] of Object.entries(broken)) {
    for (const [fault, breakIt] of Object.entries(faults)) {
      const { failures } = await conformanceOfBroken(breakIt, [isEmpty, name])
      t.same([...failures.keys()], [name], fault)
    }
  }
})

t.test('conformance: each sharing case fails when processes miss changes', async (t) => {
  const sound = await conformanceOfPair(pairOf())
  t.same([...sound.failures.keys()], [])
  const sharingNames = sound.names.filter((name) => name.startsWith('sharing: '))
  t.same(Object.keys(sharing).sort(), sharingNames.sort(), 'the table has a broken storage for each case')
  for (const [name, faults] of Object.entries(sharing)) {
    for (const [fault, createPair] of Object.entries(faults)) {
      const { failures } = await conformanceOfPair(createPair, [isEmpty, name])
      t.same([...failures.keys()], [name], fault)
    }
  }
})

t.test('conformance: each sharing case fails when share returns no storage', async (t) => {
  const { names, failures } = await conformance(
    () => replacing(new MemoryStorage(), { dataVersion: () => 1 }), { share: () => undefined as never }
  )
  t.same(
    [...failures.keys()],
    names.filter((name) => name.startsWith('sharing: '))
  )
})

t.test('conformance: each failing case fails when a method hides a fault', async (t) => {
  const sound = await conformanceOfFailing()
  t.same([...sound.failures.keys()], [], 'close may throw')
  const failingNames = sound.names.filter((name) => name.startsWith('failing: '))
  t.same(Object.keys(failing).sort(), failingNames.sort(), 'the table has a broken storage for each case')
  for (const [name, faults] of Object.entries(failing)) {
    for (const [fault, breakIt] of Object.entries(faults)) {
      const { failures } = await conformanceOfFailing(breakIt, [isEmpty, name])
      t.same([...failures.keys()], [name], fault)
      t.type(failures.get(name), AssertionError)
    }
  }
})

t.test('conformance: cases fail with an AssertionError when one method does nothing', async (t) => {
  for (const [method, answer] of Object.entries(emptyAnswers)) {
    const { failures } = await conformanceOfBroken(() => ({ [method]: async () => answer }))
    t.not(failures.size, 0, method)
    for (const [name, error] of failures) t.type(error, AssertionError, `${method}: ${name}`)
  }
})

t.test('conformance: every case fails when open or close throws', async (t) => {
  for (const method of ['open', 'close']) {
    const { names, failures } = await conformanceOfBroken(() => ({
      [method]: async () => {
        throw new Error('no')
      }
    }))
    t.equal(failures.size, names.length, method)
  }
})

t.test('conformance: every case names the method that the storage lacks', async (t) => {
  const create = () => Object.assign(new MemoryStorage(), { touchTokens: undefined }) as never
  const { names, failures } = await conformance(create)
  t.equal(failures.size, names.length)
  for (const { message } of failures.values()) t.match(message, /The storage has no method touchTokens/)
})

t.test('conformance: cases of the audit trail pass when the storage has none', async (t) => {
  const create = () => Object.assign(new MemoryStorage(), { listAudit: undefined, pruneAudit: undefined }) as never
  const { names, failures } = await conformance(create)
  t.same([...failures.keys()], [])
  t.ok(names.filter((name) => /^(audit|listAudit|pruneAudit): /.test(name)).length > 20)
})

t.test('conformance: cases of the audit trail fail when the storage lacks one method', async (t) => {
  for (const method of auditMethodNames) {
    const { failures } = await conformance(() => Object.assign(new MemoryStorage(), { [method]: undefined }) as never)
    t.ok(failures.size > 20)
    for (const [name, error] of failures) {
      t.match(name, /^(audit|listAudit|pruneAudit): /)
      t.match(error.message, /methods of the audit trail that the storage lacks: all, or none/)
    }
  }
})

t.test('conformance: cases of imports pass when the storage has none of their methods', async (t) => {
  const without = Object.fromEntries(portableMethodNames.map((name) => [name, undefined]))
  const create = () => Object.assign(new MemoryStorage(), without) as never
  const { names, failures } = await conformance(create)
  t.same([...failures.keys()], [])
  const failing = 'failing: an import throws, and is not made, when its entries cannot be written'
  t.equal((await conformance(create, { failAudit: () => {} }, [isEmpty, failing])).failures.size, 0)
  t.ok(names.filter((name) => /^(import|importUsers|importTokens|listHashedTokens): /.test(name)).length > 10)
})

t.test('conformance: cases of imports pass when the storage rejects each given key', async (t) => {
  const { failures } = await conformanceOfBroken((storage) => ({
    importUsers: async (batch, entry) => {
      const records = batch.records.filter(({ id }) => id === undefined)
      const outcomes = await storage.importUsers({ ...batch, records }, entry)
      return batch.records.map(({ id }) => id === undefined ? outcomes.shift() as 'new' : 'rejected')
    },
    importTokens: async (batch, entry) => {
      const records = batch.records.filter(({ id }) => id === undefined)
      const outcomes = await storage.importTokens({ ...batch, records }, entry)
      return batch.records.map(({ id }) => id === undefined ? outcomes.shift() as 'new' : 'rejected')
    }
  }))
  t.same([...failures.keys()], [])
})

t.test('conformance: cases of imports fail when the storage lacks one of their methods', async (t) => {
  for (const method of portableMethodNames) {
    const { failures } = await conformance(() => Object.assign(new MemoryStorage(), { [method]: undefined }) as never)
    t.ok(failures.size > 10)
    for (const [name, error] of failures) {
      t.match(name, /^(import|importUsers|importTokens|listHashedTokens): /)
      t.match(error.message, /methods of imports and exports that the storage lacks: all, or none/)
    }
  }
})

t.test('conformance: cases fail when createStorage returns a storage with users', async (t) => {
  const used = new MemoryStorage()
  const { failures } = await conformance(() => used)
  t.ok(failures.size > 40)
  const inPlace = failures.get('updateUser: leaves the user in its place in the list')
  t.match(inPlace?.message, /createStorage returned a storage that has users/)
})
