import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { sqliteStorage } from '../../src/index.js'
import { run } from '../support/child.js'
import { build, call } from '../support/helpers.js'

t.test('script: creates a user and tokens, which an app over the same database accepts', async (t) => {
  const file = join(t.testdir(), 'admin.db')
  const created: string[] = []
  for (const email of ['jane@example.com', 'JANE@example.com']) {
    const child = run(t, 'examples/script.ts', { args: [email], env: { DATABASE_FILE: file } })
    t.equal(await child.exit, 0, child.output())
    t.match(child.output(), /^user-1 vex_[0-9A-Za-z]{36}\n$/)
    t.notOk(existsSync(`${file}-wal`), 'the database was closed')
    created.push(child.output().trim().split(' ')[1] as string)
  }
  const app = await build(t, { storage: sqliteStorage({ filename: file }) })
  app.get('/me', { onRequest: app.vexaAdmin.requireToken() }, async (request) => request.apiUser)
  for (const token of created) {
    t.match((await app.inject({ url: '/me', headers: { 'x-api-key': token } })).json(), { email: 'jane@example.com' })
  }
  t.match((await call(app, 'GET', '/admin/users/user-1')).json().api_tokens, [{ name: 'script' }, { name: 'script' }])
})

t.test('script: ends with one sentence when the address is not valid', async (t) => {
  for (const args of [[], ['nobody']]) {
    const child = run(t, 'examples/script.ts', { args, cwd: t.testdir() })
    t.equal(await child.exit, 1)
    t.match(child.output(), /^\/email Expected an e-mail address.*\n$/)
  }
})
