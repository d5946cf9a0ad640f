import assert from 'node:assert/strict'
import type { AuditRecord, NewAuditRecord } from '../storage-adapter.js'
import { entriesOf, everythingIn, newEntry, prepareChanges, writeEntries } from './audit-changes.js'
import { ifAudited, type Cases } from './case.js'
import { attempt, createToken, createUser, newToken, newUser, time } from './records.js'

const texts = [
  'ops', 'a', "o'neil", '%', '_', '\\', '{"a":1}', '\u00C9 e\u0301', '\u{1F511}'.repeat(255), 'x'.repeat(255)
]

export const audit: Cases = ifAudited({
  'audit: each change writes one entry, with the keys of its user and tokens': async ({ storage }) => {
    const changes = await prepareChanges(storage)
    assert.deepEqual(await entriesOf(storage), [], 'the entries of changes without `entry`')
    const expected: unknown[] = []
    for (const [n, { method, action, make }] of changes.entries()) {
      const entry = newEntry(action, { at: time(n), request_id: `req-${n}` })
      expected.push({ ...entry, ...await make(entry) })
      const entries = await entriesOf(storage)
      assert.deepEqual(entries.map(({ id: _, ...members }) => members), expected, `the trail after ${method}`)
      for (const { id } of entries) assert.match(id, /^[0-9A-Za-z_-]{1,64}$/)
    }
    assert.equal(new Set((await entriesOf(storage)).map(({ id }) => id)).size, changes.length, 'number of keys')
  },

  'audit: keeps the members of an entry unchanged': async ({ storage }) => {
    const given: Array<Partial<NewAuditRecord>> = [
      { actor: null, request_id: null },
      { at: '1970-01-01T00:00:00.000Z' },
      { at: '2099-12-31T23:59:59.999Z' },
      { changed: [] },
      { changed: ['email'] },
      { changed: ['email', 'name', 'max_concurrent_bots', 'disabled', 'data', 'scopes', 'expires_at'] },
      ...texts.flatMap((text) => [{ actor: text }, { request_id: text }])
    ]
    const entries = await writeEntries(storage, given)
    for (const [n, changes] of given.entries()) {
      const { id: _, user_id: _user, ...members } = entries[n] as AuditRecord
      assert.deepEqual(members, { ...newEntry('user.updated', changes), token_id: null, successor_id: null })
    }
  },

  'audit: keeps an entry when a caller changes its own object': async ({ storage }) => {
    const entry = newEntry('user.updated', { changed: ['email'] })
    const { id } = await createUser(storage)
    await storage.updateUser(id, {}, undefined, entry)
    const [expected] = structuredClone(await entriesOf(storage))
    entry.changed?.push('name')
    const [listed] = await entriesOf(storage)
    listed?.changed?.push('name')
    assert.deepEqual(await entriesOf(storage), [expected])
  },

  'audit: a change of a user that is not made writes no entry': async ({ storage }) => {
    const user = await createUser(storage)
    const other = await createUser(storage, { email: 'other@x' })
    const gone = await createUser(storage, { email: 'gone@x' })
    await storage.deleteUser(gone.id)
    await storage.updateUser(user.id, { name: 'New' })
    const stale = user.revision
    const update = newEntry('user.updated')
    const end = newEntry('user.deleted')
    const outcomes = [
      await storage.createUser(newUser(), newEntry('user.created')),
      await storage.updateUser(gone.id, { name: 'x' }, undefined, update),
      await storage.updateUser('no-such-key', { name: 'x' }, undefined, update),
      await storage.updateUser(user.id, { name: 'x' }, stale, update),
      await storage.updateUser(user.id, { email: other.email }, undefined, update),
      await storage.deleteUser(gone.id, undefined, end),
      await storage.deleteUser('no-such-key', undefined, end),
      await storage.deleteUser(user.id, stale, end)
    ]
    assert.deepEqual(outcomes, ['taken', 'absent', 'absent', 'absent', 'taken', false, false, false])
    assert.deepEqual(await entriesOf(storage), [])
  },

  'audit: a change of a token that is not made writes no entry': async ({ storage }) => {
    const { id: userId } = await createUser(storage)
    const gone = await createToken(storage, userId, 1)
    await storage.revokeToken(gone.id)
    const { id } = await createToken(storage, userId, 2)
    const empty = await createUser(storage, { email: 'empty@x' })
    const [create, update] = [newEntry('token.created'), newEntry('token.updated')]
    const [rotate, revoke] = [newEntry('token.rotated'), newEntry('token.revoked')]
    const successor = () => ({ expires_at: null, successor: newToken(userId, 3) })
    const outcomes = [
      await storage.createToken(newToken('no-such-key', 3), create),
      await storage.updateToken(gone.id, () => ({ name: 'x' }), update),
      await storage.updateToken(id, () => 'rejected', update),
      await storage.rotateToken(gone.id, successor, rotate),
      await storage.rotateToken(id, () => 'rejected', rotate),
      await storage.revokeToken(gone.id, revoke)
    ]
    assert.deepEqual(outcomes, ['absent', 'absent', 'rejected', 'absent', 'rejected', false])
    for (const userId of [empty.id, 'no-such-key']) await storage.revokeTokens(userId, revoke)
    assert.deepEqual(await entriesOf(storage), [])
  },

  'audit: a change that throws writes no entry, and is not made': async ({ storage }) => {
    const { id: userId } = await createUser(storage)
    const { id } = await createToken(storage, userId, 1)
    const fail = () => { throw new Error('on purpose') }
    const duplicate = newToken(userId, 1)
    const rotate = newEntry('token.rotated')
    const calls = [
      () => storage.updateToken(id, fail, newEntry('token.updated')),
      () => storage.rotateToken(id, fail, rotate),
      // Most storages throw if they have a token with the same hash.
      () => storage.createToken(duplicate, newEntry('token.created')),
      () => storage.rotateToken(id, () => ({ expires_at: time(50), successor: duplicate }), rotate)
    ]
    for (const call of calls) {
      const before = await everythingIn(storage)
      const isMade = await attempt<unknown>(call).then(() => true, () => false)
      if (!isMade) assert.deepEqual(await everythingIn(storage), before)
    }
  },

  'audit: a change without `entry` writes no entry': async ({ storage }) => {
    const changes = await prepareChanges(storage)
    for (const { make } of changes) await make()
    const { id: userId } = await createUser(storage, { email: 'late@x' })
    const { id } = await createToken(storage, userId, 50, { expires_at: time(1) })
    await storage.touchTokens([id], time(2))
    assert.equal((await storage.pruneTokens({ expiredBefore: time(2), limit: 10 })).deleted, 1)
    assert.deepEqual(await entriesOf(storage), [])
    await storage.deleteUser(userId, undefined, newEntry('user.deleted'))
    assert.equal((await entriesOf(storage)).length, 1, 'number of entries after a change with `entry`')
  },

  'audit: entries stay when their user and tokens are deleted': async ({ storage }) => {
    const { id: userId } = await createUser(storage)
    const token = await storage.createToken(newToken(userId, 1), newEntry('token.created'))
    const id = typeof token === 'string' ? assert.fail(`createToken returned '${token}'`) : token.id
    await storage.rotateToken(
      id, () => ({ expires_at: null, successor: newToken(userId, 2) }), newEntry('token.rotated')
    )
    await storage.revokeTokens(userId, newEntry('token.revoked'))
    await storage.updateUser(userId, { name: 'x' }, undefined, newEntry('user.updated', { changed: ['name'] }))
    const before = await entriesOf(storage)
    assert.equal(before.length, 4)
    await storage.deleteUser(userId, undefined, newEntry('user.deleted'))
    const after = await entriesOf(storage, { userId })
    assert.deepEqual(after.slice(0, 4), before)
    assert.deepEqual(after.slice(4).map(({ action }) => action), ['user.deleted'])
  }
})
