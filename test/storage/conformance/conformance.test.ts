import { AssertionError } from 'node:assert'
import t from 'tap'
import { MemoryStorage } from '../../../examples/custom-storage.js'
import { testStorage, type TestStorageOptions } from '../../../src/storage/conformance/index.js'
import type { StorageAdapter } from '../../../src/index.js'
import { run } from '../../support/child.js'
import { brokenFailing, brokenSharing, brokenStorages, failing, pair } from './broken-storages.js'

/** The names of all cases, and the errors of those that fail, of all or some. */
async function conformance (createStorage: () => StorageAdapter, options: TestStorageOptions = {}, only?: string[]): Promise<{ names: string[], failures: Map<string, Error> }> {
  const names: string[] = []
  const failures = new Map<string, Error>()
  const cases: Array<() => Promise<void>> = []
  testStorage((name, run) => {
    names.push(name)
    if (only?.includes(name) ?? true) cases.push(async () => { await run().catch((error) => failures.set(name, error)) })
  }, createStorage, options)
  for (const run of cases) await run()
  return { names, failures }
}

t.test('the storage in memory passes, under tap', async (t) => {
  testStorage((name, run) => t.test(name, run), () => new MemoryStorage())
})

t.test('the same under node:test', async (t) => {
  const child = run(t, 'examples/custom-storage.test.ts')
  t.equal(await child.exit, 0, child.output())
  const { names } = await conformance(() => new MemoryStorage())
  t.match(child.output(), new RegExp(`pass ${names.length}\\s`))
})

t.test('each storage that is broken is caught by the case that is made for it', async (t) => {
  const caught = new Set<string>()
  for (const [name, { caughtBy, create }] of Object.entries(brokenStorages)) {
    // One that fails in everything would be no proof.
    const { names, failures } = await conformance(create, {}, ['lifecycle: a new storage is empty', caughtBy])
    t.ok(names.includes(caughtBy), `there is a case '${caughtBy}'`)
    t.same([...failures.keys()], [caughtBy], name)
    caught.add(caughtBy)
  }
  const { names } = await conformance(() => new MemoryStorage())
  t.same(names.filter((name) => !caught.has(name)), ['lifecycle: a new storage is empty'], 'there is a broken storage for every case but this one, of which the others are in need')
})

t.test('so is each that is broken between processes', async (t) => {
  const caught = new Set<string>()
  const test = async (createPair: () => [StorageAdapter, StorageAdapter], only?: string[]) => {
    let other: StorageAdapter
    const create = () => {
      const [one, two] = createPair()
      other = two
      return one
    }
    return conformance(create, { share: () => other }, only)
  }
  const sound = await test(pair)
  t.same([...sound.failures.keys()], [])
  for (const [name, { caughtBy, createPair }] of Object.entries(brokenSharing)) {
    const { names, failures } = await test(createPair, ['lifecycle: a new storage is empty', caughtBy])
    t.ok(names.includes(caughtBy), `there is a case '${caughtBy}'`)
    t.same([...failures.keys()], [caughtBy], name)
    caught.add(caughtBy)
  }
  t.same(sound.names.filter((name) => name.startsWith('sharing: ') && !caught.has(name)), [])
  const { failures } = await conformance(() => new MemoryStorage(), { share: () => undefined as never })
  t.same([...failures.keys()], sound.names.filter((name) => name.startsWith('sharing: ')), 'share has to make a storage')
})

t.test('so is each that is broken while its store fails', async (t) => {
  const caught = new Set<string>()
  const test = async (create: typeof failing, only?: string[]) => {
    const fails = new Map<StorageAdapter, () => void>()
    const createStorage = () => {
      const { storage, fail } = create()
      fails.set(storage, fail)
      return storage
    }
    return conformance(createStorage, { fail: (storage) => fails.get(storage)?.() }, only)
  }
  const sound = await test(failing)
  t.same([...sound.failures.keys()], [], 'not even close has to work')
  for (const [name, { caughtBy, create }] of Object.entries(brokenFailing)) {
    const { names, failures } = await test(create, ['lifecycle: a new storage is empty', caughtBy])
    t.ok(names.includes(caughtBy), `there is a case '${caughtBy}'`)
    t.same([...failures.keys()], [caughtBy], name)
    t.type(failures.get(caughtBy), AssertionError)
    caught.add(caughtBy)
  }
  t.same(sound.names.filter((name) => name.startsWith('failing: ') && !caught.has(name)), [])
})

t.test('a storage that cannot be closed fails', async (t) => {
  const { names, failures } = await conformance(() => Object.assign(new MemoryStorage(), { close: async () => { throw new Error('no') } }))
  t.equal(failures.size, names.length)
})

t.test('a storage without one of the methods, and one that is not empty, are told so in every case', async (t) => {
  const incomplete = await conformance(() => Object.assign(new MemoryStorage(), { touchTokens: undefined }) as never)
  t.equal(incomplete.failures.size, incomplete.names.length)
  for (const { message } of incomplete.failures.values()) t.match(message, /The storage has no method touchTokens/)
  const used = new MemoryStorage()
  const shared = await conformance(() => used)
  t.ok(shared.failures.size > 40)
  t.match(shared.failures.get('users: a change leaves a user in its place')?.message, /createStorage made a storage with users in it/)
})

t.test('a storage that refuses everything fails wherever something is to be there', async (t) => {
  const refusing: Array<Partial<StorageAdapter>> = [
    { createUser: async () => 'taken' },
    { createToken: async () => 'absent' },
    { updateUser: async () => 'absent' },
    { rotateToken: async () => 'absent' },
    { findUser: async () => undefined }
  ]
  for (const methods of refusing) {
    const { failures } = await conformance(() => Object.assign(new MemoryStorage(), methods))
    t.ok(failures.size > 5 || 'rotateToken' in methods, Object.keys(methods).join())
    for (const [name, error] of failures) t.type(error, AssertionError, name)
  }
})

t.test('a storage that cannot even be opened fails in every case', async (t) => {
  const { names, failures } = await conformance(() => Object.assign(new MemoryStorage(), { open: async () => { throw new Error('no') } }))
  t.equal(failures.size, names.length)
})
