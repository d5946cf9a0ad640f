// A program that the test of runtimes copies into an app without better-sqlite3, and runs with each runtime:
// `conformance DIRECTORY` runs the suite on files in a directory, and `serve FILE` serves the API until SIGTERM.
import { join } from 'node:path'
import Fastify from 'fastify'
import vexaAdmin, { sqliteStorage, type StorageAdapter } from 'fastify-vexa-admin'
import { testStorage } from 'fastify-vexa-admin/conformance'

const [command, place = ''] = process.argv.slice(2)
await (command === 'conformance' ? runConformance(place) : serve(place))

async function runConformance (directory: string): Promise<void> {
  let count = 0
  const files = new WeakMap<StorageAdapter, string>()
  const open = (filename: string) => {
    const storage = sqliteStorage({ filename })
    files.set(storage, filename)
    return storage
  }
  const cases: Array<[name: string, run: () => Promise<void>]> = []
  testStorage((name, run) => cases.push([name, run]), () => open(join(directory, `${count++}.db`)), {
    share: (storage) => open(files.get(storage) as string)
  })
  const failures: string[] = []
  for (const [name, run] of cases) {
    await run().catch((error) => failures.push(`${name}: ${error.stack}`))
  }
  const { bun, deno, node } = process.versions as Record<string, string>
  console.log(JSON.stringify({ version: bun ?? deno ?? node, cases: cases.length, failures }))
}

async function serve (filename: string): Promise<void> {
  const app = Fastify({ logger: { level: 'warn' } })
  await app.register(vexaAdmin, {
    adminKeys: 'an-admin-key-for-the-tests', storage: sqliteStorage({ filename, busyTimeout: 2000 })
  })
  app.get('/me', { onRequest: app.vexaAdmin.requireToken() }, async (request) => request.apiUser.id)
  process.once('SIGTERM', () => app.close())
  console.log(await app.listen({ port: 0, host: '127.0.0.1' }))
}
