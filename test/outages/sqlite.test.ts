import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmdirSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { sqliteStorage } from '../../src/index.js'
import { run } from '../support/child.js'
import { crash } from '../support/crashes.js'
import { emptyPlace } from '../support/databases.js'
import { build, call } from '../support/helpers.js'

const root = process.getuid?.() === 0

/** Starts an app on a file. Returns it with a valid and a revoked token. */
async function start (t: Test, filename: string, server = {}) {
  const app = await build(t, { storage: sqliteStorage({ filename }) }, server)
  app.get('/me', { onRequest: app.vexaAdmin.requireToken() }, async (request) => request.apiUser)
  const { id } = await app.vexaAdmin.users.create({ email: 'a@b' })
  const [valid, revoked] = [await app.vexaAdmin.tokens.create(id), await app.vexaAdmin.tokens.create(id)]
  await app.vexaAdmin.tokens.revoke(revoked.id)
  const use = async (token: string) => (await app.inject({ url: '/me', headers: { 'x-api-key': token } })).statusCode
  return { app, valid: valid.token, revoked: revoked.token, use }
}

/**
 * Prints the longest delay of the event loop after the test. It asserts nothing, because the delay depends on the
 * machine.
 */
function watchEventLoop (t: Test): void {
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  t.teardown(() => { t.comment(`the event loop was blocked for at most ${Math.round(delay.max / 1e6)} ms`) })
}

const create = async (app: FastifyInstance, email: string) =>
  (await call(app, 'POST', '/admin/users', { payload: { email, data: { some: 'x'.repeat(10_000) } } })).statusCode

t.test('sqlite: writes return 503 and reads go on when the disk is full', {
  skip: root ? false : 'only root can mount a small file system'
}, async (t) => {
  const disk = mkdtempSync(join(tmpdir(), 'disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', disk])
  t.teardown(() => {
    execFileSync('umount', ['-l', disk])
    rmdirSync(disk)
  })
  let log = ''
  const { app, valid, revoked, use } = await start(t, join(disk, 'admin.db'), {
    logger: { level: 'info', stream: { write: (line: string) => { log += line } } }
  })

  watchEventLoop(t)
  const filler = openSync(join(disk, 'filler'), 'w')
  t.throws(() => { while (true) writeSync(filler, Buffer.alloc(4096)) }, { code: 'ENOSPC' })
  const acknowledged: string[] = []
  let status = 201
  for (let n = 0; status === 201; n++) {
    status = await create(app, `${n}@x`)
    if (status === 201) acknowledged.push(`${n}@x`)
  }
  t.equal(status, 503)
  t.match(log, /"storageCode":"SQLITE_FULL"/)
  for (let n = 0; n < 3; n++) {
    t.equal(await create(app, `full${n}@x`), 503)
    t.equal(await use(valid), 200)
    t.equal(await use(revoked), 401)
    t.equal((await call(app, 'GET', '/admin/users')).statusCode, 200)
    t.equal((await call(app, 'DELETE', '/admin/users/user-1')).statusCode, 503)
  }

  unlinkSync(join(disk, 'filler'))
  t.equal(await create(app, 'space@x'), 503, 'the filler is still open')
  execFileSync('mount', ['-o', 'remount,size=4m', disk])
  t.equal(await create(app, 'space@x'), 201)
  const emails = (await app.vexaAdmin.users.list()).map(({ email }) => email)
  t.same(emails, ['a@b', ...acknowledged, 'space@x'])
})

t.test('sqlite: the start fails with a clear message when the file is read-only', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'readonly-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const filename = join(directory, 'admin.db')
  const { app } = await start(t, filename)
  await app.close()
  chmodSync(filename, 0o444)
  // With this capability, root may write all files. Another user could not read a checkout in a private folder.
  const wrapper = root ? ['setpriv', '--bounding-set=-dac_override'] : []
  const server = run(t, 'test/support/fixtures/guarded-server.ts', { args: [`sqlite:${filename}`], wrapper })
  t.not(await server.exit, 0)
  t.match(
    server.output(),
    'the storage cannot be opened: the file is read-only: nothing can be written. Open the file for writing'
  )
})

t.test('sqlite: accepts no revoked token when another program overwrites the file', async (t) => {
  const directory = t.testdir()
  const filename = join(directory, 'admin.db')
  const { app, valid, revoked, use } = await start(t, filename)
  for (let n = 0; n < 300; n++) await create(app, `${n}@x`)
  const { size } = statSync(filename)
  t.ok(size > 100_000, 'the log was written back to the file')
  watchEventLoop(t)
  writeFileSync(filename, 'Not a database any more. '.repeat(size / 25))
  for (let n = 0; n < 20; n++) {
    t.match(String(await use(valid)), /^(200|503)$/)
    t.match(String(await use(revoked)), /^(401|503)$/)
    t.match(String((await call(app, 'GET', `/admin/users?skip=${n * 10}`)).statusCode), /^(200|503)$/)
    t.match(String(await create(app, `after${n}@x`)), /^(201|503)$/)
  }
  t.equal((await call(app, 'GET', '/admin/users?limit=1000')).statusCode, 503)
})

t.test('sqlite: throws VEXA_ADMIN_ERR_STORAGE_OPEN when the file is a folder', async (t) => {
  const filename = join(t.testdir(), 'admin.db')
  mkdirSync(filename)
  await t.rejects(sqliteStorage({ filename }).open(), { code: 'VEXA_ADMIN_ERR_STORAGE_OPEN', message: /cannot open/ })
})

t.test('kill -9: keeps all acknowledged changes of eight writers', async (t) => {
  await crash(t, emptyPlace(t, 'sqlite'), { rounds: 2 })
})
