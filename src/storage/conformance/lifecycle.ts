import assert from 'node:assert/strict'
import type { Cases } from './case.js'
import { emails, createToken, createUser, tokensOf } from './records.js'

export const lifecycle: Cases = {
  'open: leaves a new storage empty': async ({ storage }) => {
    assert.deepEqual(await emails(storage), [])
    assert.equal(await storage.countUsers(), 0)
    assert.deepEqual(await storage.listTokens({ order: 'asc', limit: 10 }), [])
    assert.equal(await storage.countTokens(), 0)
  },

  'open: shares no record with another storage': async ({ storage, create }) => {
    const { id } = await createUser(storage)
    await createToken(storage, id, 1)
    const other = await create()
    await other.open()
    assert.equal(await other.countUsers(), 0, 'number of users of one storage in another')
    assert.deepEqual(await tokensOf(other, id), [])
    assert.equal(await other.countTokens(), 0, 'number of tokens of one storage in another')
  },

  'close: resolves when called twice or without open': async ({ storage, create }) => {
    await storage.close()
    await storage.close()
    await (await create()).close()
  }
}
