import assert from 'node:assert/strict'
import Fastify, { type FastifyInstance } from 'fastify'
import { vexaAdmin } from '../../plugin.js'
import type { StorageAdapter } from '../storage-adapter.js'
import type { Cases } from './case.js'
import { assertFoundOrThrown, prepareReads } from './reads.js'
import { assertDoneOrThrown, prepareWrites } from './writes.js'

const adminKey = 'an-admin-key-for-the-tests'

export const faults: Cases = {
  'close: a later read throws, or finds the record': async ({ storage }) => {
    const reads = await prepareReads(storage)
    await storage.close()
    await assertFoundOrThrown(reads, 'after close')
  },

  'close: a later write throws, or is done': async ({ storage }) => {
    const writes = await prepareWrites(storage)
    await storage.close()
    await assertDoneOrThrown(writes, storage)
  },

  'app: returns 503 without secrets while the storage throws, then recovers': async ({ create }) => {
    const stored = await create()
    let fault: Error | undefined
    const storage = new Proxy<StorageAdapter>(stored, {
      get:
        (target, name: keyof StorageAdapter) =>
          async (...parameters: never[]) => {
            if (fault !== undefined && name !== 'close') throw fault
            return (target[name] as (...parameters: never[]) => unknown)(...parameters)
          }
    })
    let log = ''
    const app = Fastify({
      logger: {
        level: 'trace',
        stream: {
          write: (line: string) => {
            log += line
          }
        }
      }
    })
    try {
      await app.register(vexaAdmin, { adminKeys: adminKey, storage, tokenCache: false })
      app.get('/me', { onRequest: app.vexaAdmin.requireToken() }, async (request) => request.apiUser)
      const { user, token } = await createUserAndToken(app)
      const me = () => app.inject({ url: '/me', headers: { 'x-api-key': token.token } })
      const allowed = await me()
      assert.deepEqual([allowed.statusCode, allowed.json()], [200, user])

      fault = Object.assign(new Error(`SECRET ${token.token}`), { code: 'E_DOWN', sql: 'SECRET', detail: 'SECRET' })
      const replies = [
        await me(),
        await admin(app, 'GET', '/admin/users'),
        await admin(app, 'POST', `/admin/users/${user.id}/tokens`),
        await admin(app, 'DELETE', `/admin/tokens/${token.id}`)
      ]
      for (const reply of replies) {
        assert.equal(reply.statusCode, 503)
        assert.doesNotMatch(reply.body, /SECRET/)
      }
      assert.doesNotMatch(log, /SECRET/)

      fault = undefined
      assert.equal((await me()).statusCode, 200)
      assert.equal((await admin(app, 'DELETE', `/admin/tokens/${token.id}`)).statusCode, 204)
      assert.equal((await me()).statusCode, 401)
      assert.equal((await admin(app, 'POST', '/admin/users', { email: 'nul\0@x' })).statusCode, 400)
      assert.equal((await admin(app, 'POST', '/admin/users', { email: 'surrogate\ud800@x' })).statusCode, 400)
    } finally {
      await app.close()
    }
  }
}

async function createUserAndToken (
  app: FastifyInstance
): Promise<{ user: { id: string }, token: { id: string, token: string } }> {
  const created = await admin(app, 'POST', '/admin/users', { email: 'user@example.com' })
  assert.equal(created.statusCode, 201, `POST /admin/users returned ${created.body}`)
  const user = created.json()
  const reply = await admin(app, 'POST', `/admin/users/${user.id}/tokens`)
  assert.equal(reply.statusCode, 201, `POST /admin/users/${user.id}/tokens returned ${reply.body}`)
  return { user, token: reply.json() }
}

function admin (app: FastifyInstance, method: 'DELETE' | 'GET' | 'POST', url: string, payload?: object) {
  return app.inject({ method, url, headers: { 'x-admin-api-key': adminKey }, ...(payload && { payload }) })
}
