import { appendFileSync, existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import vexaAdmin, { type AuditEntry } from '../../src/index.js'
import { run } from '../support/child.js'
import { emptyStorage } from '../support/databases.js'

/** Starts an app with 1005 entries in its audit trail. Each of its next `state.failures` replies is an error. */
async function prepare (t: Test) {
  const app = Fastify()
  t.teardown(() => app.close())
  const state = { failures: 0 }
  app.addHook('onRequest', async () => { if (state.failures-- > 0) throw new Error('down') })
  const key = 'a-key-for-the-audit-trail'
  const adminKeys = [{ name: 'auditor', key, permissions: ['audit' as const] }]
  await app.register(vexaAdmin, { adminKeys, storage: emptyStorage(t), audit: true })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const file = join(t.testdir(), 'audit.jsonl')
  const env = { AUDIT_KEY: key, AUDIT_URL: `${url}/admin/audit`, AUDIT_FILE: file }
  const follow = (wrapper: string[] = []) => run(t, 'examples/follow-audit.ts', { env, wrapper })
  const lines = () => existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []
  /** Runs the program until the file has this number of lines, and kills it. */
  async function followUntil (count: number) {
    const child = follow()
    while (lines().length < count) await sleep(5)
    child.process.kill('SIGKILL')
    await child.exit
  }
  const { users } = app.vexaAdmin
  await users.create({ email: 'a@b' })
  for (let n = 2; n <= 1005; n++) await users.update('user-1', { name: `${n}` })
  return { users, state, file, follow, followUntil, lines }
}

t.test('follow-audit: the file has each entry once, also after kills and faults', async (t) => {
  const { users, state, file, followUntil, lines } = await prepare(t)
  await followUntil(1005)
  appendFileSync(file, '{"id":"audit-1006","at":"20')
  state.failures = 1
  await users.update('user-1', { name: 'x' })
  const following = followUntil(1007)
  await sleep(100)
  await users.delete('user-1')
  await following

  const entries = lines().map((line): AuditEntry => JSON.parse(line))
  t.same(entries.map(({ id }) => id), Array.from({ length: 1007 }, (_, i) => `audit-${i + 1}`))
  t.equal(entries[0]?.action, 'user.created')
  t.equal(entries.at(-1)?.action, 'user.deleted')
})

t.test('follow-audit: ends when the disk is full, and continues where the lines end', async (t) => {
  const { file, follow, followUntil, lines } = await prepare(t)
  // A limit of the system lets the file grow to 64 KiB, which is the middle of the first page.
  const limited = ['bash', '-c', 'ulimit -f 64; exec "$@"', 'bash']
  for (const start of ['the first start', 'a start while the disk is still full']) {
    const child = follow(limited)
    t.equal(await child.exit, 1, start)
    t.match(child.output(), /EFBIG/)
    t.equal(statSync(file).size, 64 * 1024)
    t.not(readFileSync(file, 'utf8').at(-1), '\n', 'the last line is cut')
  }
  await followUntil(1005)
  t.same(lines().map((line) => JSON.parse(line).id), Array.from({ length: 1005 }, (_, i) => `audit-${i + 1}`))
})
