import { existsSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import t from 'tap'
import { auditMethodNames, portableMethodNames, storageMethodNames } from '../../src/storage/storage-adapter.js'
import { root, run } from '../support/child.js'
import { fence } from '../support/fences.js'
import { adminKey } from '../support/helpers.js'

const guide = readFileSync(`${root}src/storage/README.md`, 'utf8')
const program = (name: string) => fence('src/storage/README.md', name)

// Storages with one prefix share their records, and each has a connection of its own.
const ownStorage = `import { randomBytes } from 'node:crypto'
import { auditMethodNames, portableMethodNames, storageMethodNames } from '${root}src/storage/storage-adapter.js'
import { MemoryStorage } from '${root}examples/custom-storage.js'

const shared = new Map<string, MemoryStorage>()
class MyStorage extends MemoryStorage {
  readonly prefix: string
  readonly client = { disconnect: () => { this.#connected = false } }
  #connected = true

  constructor (prefix = randomBytes(8).toString('hex')) {
    super()
    this.prefix = prefix
    const storage = shared.get(prefix) ?? new MemoryStorage()
    shared.set(prefix, storage)
    for (const name of [...storageMethodNames, ...auditMethodNames, ...portableMethodNames]) {
      const method = storage[name].bind(storage) as (...parameters: unknown[]) => Promise<unknown>
      Object.assign(this, {
        [name]: async (...parameters: unknown[]) => {
          if (!this.#connected) throw new Error('The connection is lost')
          return method(...parameters)
        }
      })
    }
  }
}
`
const suites = ownStorage + program('conformance') + program('share')
const app = `import Fastify from 'fastify'
import vexaAdmin from 'fastify-vexa-admin'
import { MemoryStorage } from '${root}examples/custom-storage.js'
const app = Fastify(), adminKeys = process.env.ADMIN_API_KEY as string
${program('adapter').replace(/class MyStorage (.*?) {.*?^}/ms, 'class MyStorage extends MemoryStorage $1 {}')}
console.log(JSON.stringify(await app.vexaAdmin.users.list()))
await app.close()
`

t.test('storage guide: its suites pass over a storage in memory', async (t) => {
  const directory = t.testdir({ 'storage.test.mts': suites })
  const child = run(t, relative(root, `${directory}/storage.test.mts`))
  t.equal(await child.exit, 0, child.output())
  for (const topic of ['createUser', 'sharing', 'failing']) {
    t.ok(new RegExp(`^(ok \\d+ -|✔) ${topic}: `, 'm').test(child.output()), topic)
  }
})

t.test('storage guide: its adapter is accepted by the plugin', async (t) => {
  const directory = t.testdir({ 'app.mts': app })
  const child = run(t, relative(root, `${directory}/app.mts`), { env: { ADMIN_API_KEY: adminKey } })
  t.equal(await child.exit, 0, child.output())
  t.match(child.output(), /^\[\]$/m)
})

t.test('storage guide: its programs compile', async (t) => {
  const directory = t.testdir({
    'suites.mts': suites,
    'app.mts': app,
    'tsconfig.json': JSON.stringify({
      extends: `${root}tsconfig.json`, compilerOptions: { rootDir: root }, include: ['*.mts']
    })
  })
  const child = run(t, 'test/support/fixtures/check-types.ts', { args: [`${directory}/tsconfig.json`] })
  t.equal(await child.exit, 0, child.output())
})

t.test('storage guide: its table of methods has each method once', async (t) => {
  const section = guide.slice(guide.indexOf('## Methods\n'), guide.indexOf('## Records'))
  t.same([...section.matchAll(/^\| `(\w+)\(/gm)].map(([, name]) => name).sort(), [...storageMethodNames].sort())
})

t.test('storage guide: its table of the audit trail has each method once', async (t) => {
  const section = guide.slice(guide.indexOf('## Audit trail\n'), guide.indexOf('## Imports and exports'))
  t.same([...section.matchAll(/^\| `(\w+)\(/gm)].map(([, name]) => name).sort(), [...auditMethodNames].sort())
})

t.test('storage guide: its table of imports and exports has each method once', async (t) => {
  const section = guide.slice(guide.indexOf('## Imports and exports\n'), guide.indexOf('## Exact cache'))
  t.same([...section.matchAll(/^\| `(\w+)\(/gm)].map(([, name]) => name).sort(), [...portableMethodNames].sort())
})

t.test('storage guide: its links lead to files and headings', async (t) => {
  const anchor = (heading: string) => `#${heading.toLowerCase().replace(/[^\w -]/g, '').replaceAll(' ', '-')}`
  const headings = [...guide.matchAll(/^##+ (.*)$/gm)].map(([, heading = '']) => anchor(heading))
  const links = [...guide.matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link as string)
  const folder = join(root, 'src/storage')
  const leads = (link: string) => link.startsWith('#') ? headings.includes(link) : existsSync(join(folder, link.replace(/#.*/, '')))
  t.same(links.filter((link) => !leads(link)), [])
})
