import assert from 'node:assert/strict'
import type {
  AuditAction, AuditedStorageAdapter, AuditFilter, AuditRecord, NewAuditRecord, TokenRecord
} from '../storage-adapter.js'
import { entriesOf, newEntry, writeEntries } from './audit-changes.js'
import { ifAudited, type Cases } from './case.js'
import { createToken, createUser, newToken, strangeKeys, time } from './records.js'

/** Throws unless the filter selects exactly the entries `expected`: in both orders, and in pages. */
async function assertSelects (
  storage: AuditedStorageAdapter, filter: AuditFilter, expected: readonly AuditRecord[]
): Promise<void> {
  const message = `listAudit of ${JSON.stringify(filter)}`
  assert.deepEqual(await entriesOf(storage, filter), expected, message)
  assert.deepEqual(await entriesOf(storage, { ...filter, order: 'desc' }), expected.toReversed(), message)
  for (let n = 0; n < expected.length; n += 2) {
    const page = { ...filter, after: expected[n - 1]?.id, limit: 2 }
    assert.deepEqual(await entriesOf(storage, page), expected.slice(n, n + 2), `${message}, after ${n} entries`)
  }
}

const keysOf = (entries: readonly AuditRecord[]) => entries.map(({ id }) => id)

const numbered = (count: number): Array<Partial<NewAuditRecord>> =>
  Array.from({ length: count }, (_, n) => ({ request_id: `${n}`, at: time(n % 60) }))

export const auditLists: Cases = ifAudited({
  'listAudit: returns pages in the order of the changes, or the reverse': async ({ storage }) => {
    assert.deepEqual(await entriesOf(storage), [])
    const entries = await writeEntries(storage, numbered(105))
    assert.deepEqual(entries.map((entry) => entry.request_id), numbered(105).map((entry) => entry.request_id))
    for (const order of ['asc', 'desc'] as const) {
      const visited: string[] = []
      for (let page = 0; page < 30; page++) {
        visited.push(...keysOf(await entriesOf(storage, { order, after: visited.at(-1), limit: 4 })))
      }
      assert.deepEqual(visited, keysOf(order === 'asc' ? entries : entries.toReversed()), order)
    }
  },

  'listAudit: orders entries by the change, not by the time': async ({ storage }) => {
    const times = [time(5), time(1), time(9), time(1), time(5)]
    const entries = await writeEntries(storage, times.map((at) => ({ at })))
    assert.deepEqual(entries.map(({ at }) => at), times)
    await assertSelects(storage, {}, entries)
  },

  'listAudit: starts after an entry, even when that entry has been pruned': async ({ storage }) => {
    const keys = keysOf(await writeEntries(storage, numbered(6)))
    const assertPage = async (order: 'asc' | 'desc', after: string | undefined, expected: unknown[]) =>
      assert.deepEqual(keysOf(await entriesOf(storage, { order, after })), expected)
    await assertPage('desc', keys[3], [keys[2], keys[1], keys[0]])
    assert.equal((await storage.pruneAudit({ before: time(4), now: time(59), limit: 10 })).deleted, 4)
    await assertPage('asc', keys[3], [keys[4], keys[5]])
    await assertPage('asc', keys[1], [keys[4], keys[5]])
    await assertPage('desc', keys[3], [])
    await assertPage('desc', keys[5], [keys[4]])
    await assertPage('asc', keys[5], [])
    for (const after of strangeKeys(keys[5] as string)) {
      assert.ok(Array.isArray(await entriesOf(storage, { after })), `listAudit after ${after}`)
    }
  },

  'listAudit: userId selects the entries of a user and its tokens': async ({ storage }) => {
    const users = [await createUser(storage), await createUser(storage, { email: 'other@x' })]
    for (let n = 0; n < 7; n++) {
      const { id } = users[n % 3 === 0 ? 1 : 0] as { id: string }
      if (n % 2 === 0) await storage.updateUser(id, {}, undefined, newEntry('user.updated'))
      else await storage.createToken(newToken(id, n), newEntry('token.created'))
    }
    const all = await entriesOf(storage)
    for (const [n, { id }] of users.entries()) {
      await assertSelects(storage, { userId: id }, all.filter((_entry, i) => (i % 3 === 0 ? 1 : 0) === n))
    }
    for (const userId of strangeKeys(users[0]?.id as string)) await assertSelects(storage, { userId }, [])
  },

  'listAudit: tokenId selects the entries of a token, not of its successor': async ({ storage }) => {
    const { id: userId } = await createUser(storage)
    const tokens = [await createToken(storage, userId, 1), await createToken(storage, userId, 2)]
    const [first, second] = tokens.map(({ id }) => id) as [string, string]
    await storage.updateToken(first, () => ({ name: 'x' }), newEntry('token.updated'))
    await storage.updateToken(second, () => ({ name: 'x' }), newEntry('token.updated'))
    const successor = await storage.rotateToken(
      first, () => ({ expires_at: null, successor: newToken(userId, 3) }), newEntry('token.rotated')
    ) as TokenRecord
    await storage.revokeToken(successor.id, newEntry('token.revoked'))
    await storage.revokeTokens(userId, newEntry('token.revoked'))
    const [one, two, three, four] = await entriesOf(storage) as [AuditRecord, AuditRecord, AuditRecord, AuditRecord]
    await assertSelects(storage, { tokenId: first }, [one, three])
    await assertSelects(storage, { tokenId: second }, [two])
    await assertSelects(storage, { tokenId: successor.id }, [four])
    for (const tokenId of strangeKeys(first)) await assertSelects(storage, { tokenId }, [])
  },

  'listAudit: action and actor select entries byte by byte': async ({ storage }) => {
    const actors = ['ops', 'Ops', 'ops-2', 'op', '\u00F3ps', null, '%', '_ps', "'", 'e\u0301', '\u00E9', '\u{1F511}']
    const actions: AuditAction[] = ['user.updated', 'token.updated', 'user.deleted']
    const given = actors.map((actor, n) => ({ actor, action: actions[n % 3] as AuditAction }))
    const entries = await writeEntries(storage, given)
    for (const actor of [...actors.filter((actor) => actor !== null), 'OPS', 'null', '\u{1F512}', 'o%']) {
      await assertSelects(storage, { actor }, entries.filter((entry) => entry.actor === actor))
    }
    for (const action of [...actions, 'token.revoked'] as AuditAction[]) {
      await assertSelects(storage, { action }, entries.filter((entry) => entry.action === action))
    }
  },

  'listAudit: since includes its time, and until excludes it': async ({ storage }) => {
    const times = ['2024-01-01T12:30:00.122Z', '2024-01-01T12:30:00.123Z', '2024-01-01T12:30:00.124Z', time(1)]
    const entries = await writeEntries(storage, times.map((at) => ({ at })))
    const [one, two, three, four] = entries as [AuditRecord, AuditRecord, AuditRecord, AuditRecord]
    const at = '2024-01-01T12:30:00.123Z'
    await assertSelects(storage, { since: at }, [two, three])
    await assertSelects(storage, { until: at }, [one, four])
    await assertSelects(storage, { since: at, until: at }, [])
    await assertSelects(storage, { since: at, until: '2024-01-01T12:30:00.124Z' }, [two])
    await assertSelects(storage, { since: '2023-01-01T00:00:00.000Z' }, entries)
    await assertSelects(storage, { until: '2023-01-01T00:00:00.000Z' }, [])
  },

  'listAudit: an entry must match each filter that is given': async ({ storage }) => {
    const users = [await createUser(storage), await createUser(storage, { email: 'other@x' })] as const
    const tokens = [await createToken(storage, users[0].id, 1), await createToken(storage, users[1].id, 2)] as const
    for (let n = 0; n < 24; n++) {
      const changes = { at: time(n), actor: n % 4 === 0 ? null : 'ops' }
      const [user, token] = n % 2 === 0 ? [users[0], tokens[0]] : [users[1], tokens[1]]
      if (n % 3 === 0) await storage.updateUser(user.id, {}, undefined, newEntry('user.updated', changes))
      const action = n % 5 === 0 ? 'token.revoked' : 'token.updated'
      await storage.updateToken(token.id, () => ({}), newEntry(action, changes))
    }
    const all = await entriesOf(storage)
    const filters: Array<[filter: AuditFilter, matches: (entry: AuditRecord) => boolean]> = [
      [{ userId: users[0].id }, (entry) => entry.user_id === users[0].id],
      [{ tokenId: tokens[0].id }, (entry) => entry.token_id === tokens[0].id],
      [{ action: 'token.updated' }, (entry) => entry.action === 'token.updated'],
      [{ actor: 'ops' }, (entry) => entry.actor === 'ops'],
      [{ since: time(8) }, (entry) => entry.at >= time(8)],
      [{ until: time(20) }, (entry) => entry.at < time(20)]
    ]
    // `set` goes through all combinations of filters: each binary digit tells whether one filter is part of the
    // combination.
    for (let set = 0; set < 2 ** filters.length; set++) {
      const chosen = filters.filter((_filter, n) => (set >> n) % 2 === 1)
      const filter: AuditFilter = Object.assign({}, ...chosen.map(([filter]) => filter))
      await assertSelects(storage, filter, all.filter((entry) => chosen.every(([, matches]) => matches(entry))))
    }
    const none = { userId: undefined, tokenId: undefined, action: undefined, actor: undefined, since: undefined }
    assert.deepEqual(await entriesOf(storage, { ...none, until: undefined, after: undefined }), all)
  }
})
