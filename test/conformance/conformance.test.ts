import { AssertionError } from 'node:assert'
import t from 'tap'
import { MemoryStorage } from '../../examples/custom-storage.js'
import { testStorage } from '../../src/conformance/index.js'
import type { StorageAdapter } from '../../src/index.js'
import { run } from '../child.js'
import { brokenStorages } from './broken-storages.js'

/** The names of all cases, and the errors of those that fail. */
async function conformance (createStorage: () => StorageAdapter): Promise<{ names: string[], failures: Map<string, Error> }> {
  const names: string[] = []
  const failures = new Map<string, Error>()
  const cases: Array<() => Promise<void>> = []
  testStorage((name, run) => {
    names.push(name)
    cases.push(async () => { await run().catch((error) => failures.set(name, error)) })
  }, createStorage)
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
  t.match(child.output(), new RegExp(`# pass ${names.length}\\n# fail 0\\n`))
})

t.test('each storage that is broken is caught by the case that is made for it', async (t) => {
  const caught = new Set<string>()
  for (const [name, { caughtBy, create }] of Object.entries(brokenStorages)) {
    const { names, failures } = await conformance(create)
    t.ok(names.includes(caughtBy), `there is a case '${caughtBy}'`)
    t.ok(failures.has(caughtBy), `${name}: caught`)
    caught.add(caughtBy)
  }
  const { names } = await conformance(() => new MemoryStorage())
  t.same(names.filter((name) => !caught.has(name)), ['lifecycle: a new storage is empty'], 'there is a broken storage for every case but this one, of which the others are in need')
})

t.test('a storage that refuses everything fails wherever something is to be there', async (t) => {
  const refusing: Array<Partial<StorageAdapter>> = [
    { insertUser: async () => 'taken' },
    { insertToken: async () => 'absent' },
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
