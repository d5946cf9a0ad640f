import assert from 'node:assert/strict'
import {
  isAudited, type ImportedToken, type ImportedUser, type PortableStorageAdapter, type TokenRecord, type TokenToImport,
  type UserRecord, type UserToImport
} from '../storage-adapter.js'
import { entriesOf, newEntry } from './audit-changes.js'
import { ifPortable, type Cases } from './case.js'
import { createToken, createUser, hashOf, newToken, newUser, time } from './records.js'

export function userToImport (n: number, changes: Partial<UserToImport> = {}): UserToImport {
  return { ...newUser({ email: `${n}@x` }), disabled: false, ...changes }
}

export function tokenToImport (userId: string, n: number, changes: Partial<TokenToImport> = {}): TokenToImport {
  return { ...newToken(userId, n), last_used_at: null, ...changes }
}

/**
 * Returns the user of an outcome. Throws unless the `created` of the outcome has the given value: true if the import
 * created the user, false if the import found the user.
 */
function userOf (outcome: ImportedUser | string | undefined, created: boolean): UserRecord {
  if (typeof outcome !== 'object') return assert.fail(`importUsers returned the outcome ${outcome}`)
  assert.equal(outcome.created, created, '`created` of an imported user')
  return outcome.user
}

function tokenOf (outcome: ImportedToken | string | undefined, created: boolean): TokenRecord {
  if (typeof outcome !== 'object') return assert.fail(`importTokens returned the outcome ${outcome}`)
  assert.equal(outcome.created, created, '`created` of an imported token')
  return outcome.token
}

/** Imports users that are not in the storage yet. Returns the created users. */
export async function importUsers (
  storage: PortableStorageAdapter, records: readonly UserToImport[]
): Promise<UserRecord[]> {
  const outcomes = await storage.importUsers({ records, dryRun: false })
  assert.equal(outcomes.length, records.length, 'number of outcomes')
  return outcomes.map((outcome) => userOf(outcome, true))
}

/**
 * Returns keys of users and tokens. Another storage of the same kind has made these keys, so that they have a valid
 * form.
 */
async function foreignKeys (create: () => Promise<unknown>): Promise<{ users: string[], tokens: string[] }> {
  const other = await create() as PortableStorageAdapter
  await other.open()
  const users: string[] = []
  const tokens: string[] = []
  for (let n = 0; n < 8; n++) {
    users.push((await createUser(other, { email: `${n}@x` })).id)
    tokens.push((await createToken(other, users[0] as string, n)).id)
  }
  return { users, tokens }
}

export const imports: Cases = ifPortable({
  'importUsers: creates each user with its members, and returns them in order': async ({ storage }) => {
    const records = [
      userToImport(1), userToImport(2, { disabled: true, name: null, max_concurrent_bots: 2147483647 }),
      userToImport(3, { data: { b: 1, a: [null, { c: '\u{1F511}' }] }, created_at: '1970-01-01T00:00:00.000Z' }),
      ...Array.from({ length: 300 }, (_, n) => userToImport(n + 10))
    ]
    const users = await importUsers(storage, records)
    for (const [n, { id, revision, ...members }] of users.entries()) {
      assert.deepEqual(members, records[n])
      assert.match(id, /^[0-9A-Za-z_-]{1,64}$/)
    }
    const listed = await storage.listUsers({ order: 'asc', skip: 0, limit: 1000 })
    assert.deepEqual(listed, users, 'the list of users')
    assert.deepEqual(await storage.findUserByEmail('2@x'), users[1])
    assert.deepEqual(await storage.importUsers({ records: [], dryRun: false }), [])
  },

  'importUsers: returns a stored user unchanged, in the place of its record': async ({ storage }) => {
    const stored = await createUser(storage, { email: '2@x', name: 'Stored', data: { a: 1 } })
    const records = [1, 2, 3].map((n) => userToImport(n, { name: 'New', disabled: true }))
    const outcomes = await storage.importUsers({ records, dryRun: false })
    assert.deepEqual(userOf(outcomes[1], false), stored)
    assert.equal(userOf(outcomes[0], true).email, '1@x')
    assert.deepEqual(await storage.findUser(stored.id), stored)
    const again = await storage.importUsers({ records, dryRun: false })
    assert.deepEqual(again.map((outcome) => userOf(outcome, false).name), ['New', 'Stored', 'New'])
    assert.equal(await storage.countUsers(), 3)
  },

  'importUsers: keeps a given key or rejects it, and rejects the key of a user': async ({ storage, create }) => {
    const taken = await createUser(storage)
    const { users: keys } = await foreignKeys(create)
    const id = keys.findLast((key) => key !== taken.id) as string
    const records = [userToImport(1, { id: taken.id }), userToImport(2, { id })]
    const [rejected, kept] = await storage.importUsers({ records, dryRun: false })
    assert.equal(rejected, 'rejected', 'the outcome of a user with the key of another user')
    if (kept !== 'rejected') {
      const user = userOf(kept, true)
      assert.equal(user.id, id)
      assert.deepEqual(await storage.findUser(id), user)
      const later: string[] = []
      for (let n = 0; n < 20; n++) later.push((await createUser(storage, { email: `later${n}@x` })).id)
      assert.ok(!later.includes(id), 'a key that an import has given was used again')
    }
    assert.deepEqual(await storage.findUser(taken.id), taken)
  },

  'importTokens: creates each token with its members, and returns them in order': async ({ storage }) => {
    const [{ id: one }, { id: two }] = [await createUser(storage), await createUser(storage, { email: 'two@x' })]
    const records = [
      tokenToImport(one, 1, { last_used_at: time(7), name: 'CI', start: 'vex_abcd', data: { a: [] } }),
      tokenToImport(two, 2, { scopes: ['a', 'b'], expires_at: time(9), expires_in: 60, disabled: true }),
      tokenToImport(one, 3, { created_at: '1970-01-01T00:00:00.000Z' })
    ]
    const outcomes = await storage.importTokens({ records, dryRun: false })
    assert.equal(outcomes.length, 3, 'number of outcomes')
    for (const [n, outcome] of outcomes.entries()) {
      const token = tokenOf(outcome, true)
      const { hash, ...members } = records[n] as TokenToImport
      assert.deepEqual(token, { ...members, id: token.id })
      assert.deepEqual((await storage.findTokenByHash(hash))?.token, token)
    }
    assert.deepEqual(await storage.importTokens({ records: [], dryRun: false }), [])
  },

  'importTokens: returns a stored token unchanged, even if another user has it': async ({ storage }) => {
    const [{ id: one }, { id: two }] = [await createUser(storage), await createUser(storage, { email: 'two@x' })]
    const stored = await createToken(storage, one, 1, { name: 'Stored' })
    const records = [tokenToImport(two, 2), tokenToImport(two, 1, { name: 'New' }), tokenToImport('no-such-key', 1)]
    for (const batch of [records.slice(0, 2), records.slice(2)]) {
      const outcomes = await storage.importTokens({ records: batch, dryRun: false })
      assert.deepEqual(tokenOf(outcomes.at(-1), false), stored)
    }
    assert.deepEqual((await storage.findTokenByHash(hashOf(1)))?.token, stored)
    assert.equal(await storage.countTokens(), 2)
  },

  "importTokens: returns 'absent' for an absent user, and creates the others": async ({ storage }) => {
    const { id } = await createUser(storage)
    const deleted = await createUser(storage, { email: 'deleted@x' })
    await storage.deleteUser(deleted.id)
    const records = [tokenToImport(deleted.id, 1), tokenToImport(id, 2), tokenToImport('no-such-key', 3)]
    const [first, second, third] = await storage.importTokens({ records, dryRun: false })
    assert.deepEqual([first, third], ['absent', 'absent'])
    assert.equal(tokenOf(second, true).user_id, id)
    assert.equal(await storage.countTokens(), 1)
  },

  'importTokens: keeps a given key or rejects it, and rejects the key of a token': async ({ storage, create }) => {
    const { id: userId } = await createUser(storage)
    const taken = await createToken(storage, userId, 1)
    const { tokens: keys } = await foreignKeys(create)
    const id = keys.findLast((key) => key !== taken.id) as string
    const records = [tokenToImport(userId, 2, { id: taken.id }), tokenToImport(userId, 3, { id })]
    const [rejected, kept] = await storage.importTokens({ records, dryRun: false })
    assert.equal(rejected, 'rejected', 'the outcome of a token with the key of another token')
    if (kept !== 'rejected') {
      assert.equal(tokenOf(kept, true).id, id)
      assert.equal((await storage.findToken(id))?.token.id, id)
      const later: string[] = []
      for (let n = 0; n < 20; n++) later.push((await createToken(storage, userId, 100 + n)).id)
      assert.ok(!later.includes(id), 'a key that an import has given was used again')
    }
    assert.equal((await storage.findTokenByHash(hashOf(1)))?.token.id, taken.id)
  },

  "import: with `dryRun`, changes nothing and returns 'new' for new records": async ({ storage }) => {
    const user = await createUser(storage)
    const token = await createToken(storage, user.id, 1)
    const users = await storage.importUsers({
      records: [userToImport(1), userToImport(2, { email: user.email }), userToImport(3, { id: user.id })], dryRun: true
    })
    assert.deepEqual(users, ['new', { user, created: false }, 'rejected'])
    const tokens = await storage.importTokens({
      records: [
        tokenToImport(user.id, 2), tokenToImport(user.id, 1), tokenToImport(user.id, 3, { id: token.id }),
        tokenToImport('no-such-key', 4)
      ],
      dryRun: true
    })
    assert.deepEqual(tokens, ['new', { token, created: false }, 'rejected', 'absent'])
    assert.deepEqual([await storage.countUsers(), await storage.countTokens()], [1, 1])
  },

  'import: each created record has an entry, and no other record has one': async ({ storage }) => {
    if (!isAudited(storage)) return
    const stored = await createUser(storage)
    await createToken(storage, stored.id, 1)
    const records = [userToImport(1), userToImport(2, { email: stored.email }), userToImport(3)]
    const entry = newEntry('user.created')
    await storage.importUsers({ records, dryRun: true }, entry)
    const users = await storage.importUsers({ records, dryRun: false }, entry)
    await storage.importUsers({ records, dryRun: false }, entry)
    const tokens = [
      tokenToImport(stored.id, 1), tokenToImport(stored.id, 2), tokenToImport('no-such-key', 3),
      tokenToImport(userOf(users[0], true).id, 4)
    ]
    const tokenEntry = newEntry('token.created', { request_id: null })
    const outcomes = await storage.importTokens({ records: tokens, dryRun: false }, tokenEntry)
    await storage.importTokens({ records: tokens, dryRun: false }, tokenEntry)
    await storage.updateUser(stored.id, {}, undefined, newEntry('user.updated'))
    const written = (await entriesOf(storage)).map(({ id: _, ...members }) => members)
    const without = { token_id: null, successor_id: null }
    const ofToken = (n: number) => {
      const { id, user_id: userId } = tokenOf(outcomes[n], true)
      return { ...tokenEntry, ...without, user_id: userId, token_id: id }
    }
    assert.deepEqual(written, [
      { ...entry, ...without, user_id: userOf(users[0], true).id },
      { ...entry, ...without, user_id: userOf(users[2], true).id },
      ofToken(1), ofToken(3),
      { ...newEntry('user.updated'), ...without, user_id: stored.id }
    ])
  },

  'listHashedTokens: returns tokens and hashes by user, in pages': async ({ storage }) => {
    const users: string[] = []
    for (let n = 0; n < 4; n++) users.push((await createUser(storage, { email: `${n}@x` })).id)
    const expected: Array<{ token: TokenRecord, hash: Buffer }> = []
    const numbers = [[1, 2, 3], [], [4], [5, 6]]
    // The tokens of the last user are the oldest.
    for (const n of [3, 2, 1, 0]) {
      for (const hash of numbers[n] as number[]) {
        const token = await createToken(storage, users[n] as string, hash, { name: `${hash}`, scopes: ['a'] })
        expected.push({ token, hash: hashOf(hash) })
      }
    }
    expected.sort((one, other) => Number(one.token.name) - Number(other.token.name))
    const other = await createUser(storage, { email: 'other@x' })
    await createToken(storage, other.id, 7)
    const list = async (userIds: string[], limit: number, after?: string) =>
      await storage.listHashedTokens({ userIds, after, limit })
    assert.deepEqual(await list(users, 100), expected)
    assert.deepEqual(await list(users, 2), expected.slice(0, 2))
    const [, second, third, , fifth] = expected.map(({ token }) => token.id)
    assert.deepEqual(await list(users, 2, second), expected.slice(2, 4), 'the tokens after the second one')
    assert.deepEqual(await list(users, 100, third), expected.slice(3))
    assert.deepEqual(await list(users.slice(3), 100, fifth), expected.slice(5))
    await storage.revokeToken(second as string)
    assert.deepEqual(await list(users, 100, second), expected.slice(2), 'the tokens after one that is revoked')
    assert.deepEqual(await list([], 100), [])
    assert.deepEqual(await list([users[1] as string, 'no-such-key'], 100), [])
  },

  'import: creates each record once when 4 calls import the same records': async ({ storage }) => {
    await assertImportedOnce(storage, storage)
  },

  'importTokens: leaves no token when its user is deleted at the same time': async ({ storage }) => {
    await assertNoOrphan(storage, storage)
  }
})

/**
 * Imports the same records four times at once, while other calls create some of the users. Throws unless each record is
 * created once.
 */
async function assertImportedOnce (one: PortableStorageAdapter, other: PortableStorageAdapter): Promise<void> {
  const storages = [one, other, one, other]
  for (let round = 0; round < 3; round++) {
    const records = Array.from({ length: 20 }, (_, n) => userToImport(round * 100 + n))
    const single = records.slice(5, 10).map((user) => other.createUser(user))
    const outcomes = await Promise.all(storages.map((storage) => storage.importUsers({ records, dryRun: false })))
    const alone = (await Promise.all(single)).filter((user) => user !== 'taken').length
    const users = outcomes.map((list) => list.map((outcome) =>
      typeof outcome === 'object' ? outcome.user : assert.fail(`importUsers returned the outcome ${outcome}`)))
    const created = outcomes.flat().filter((outcome) => typeof outcome === 'object' && outcome.created).length
    assert.equal(created + alone, records.length, 'number of created users')
    for (const list of users) assert.deepEqual(list.map(({ id }) => id), users[0]?.map(({ id }) => id))
    const tokens = records.map((_user, n) => tokenToImport(users[0]?.[n]?.id as string, round * 30 + n))
    const batch = { records: tokens, dryRun: false }
    const imported = await Promise.all(storages.map((storage) => storage.importTokens(batch)))
    const createdTokens = imported.flat().filter((outcome) => typeof outcome === 'object' && outcome.created).length
    assert.equal(createdTokens, tokens.length, 'number of created tokens')
    assert.equal(await one.countTokens(), tokens.length * (round + 1))
  }
}

/**
 * Imports tokens while another call deletes one of their users. Throws unless the deleted user has no token afterwards.
 */
async function assertNoOrphan (one: PortableStorageAdapter, other: PortableStorageAdapter): Promise<void> {
  for (let round = 0; round < 5; round++) {
    const [doomed, { id }] = [
      await createUser(one, { email: `doomed${round}@x` }), await createUser(one, { email: `${round}@x` })
    ]
    const tokens = Array.from({ length: 10 }, (_, n) => tokenToImport(n % 2 === 0 ? doomed.id : id, round * 10 + n))
    const importing = one.importTokens({ records: tokens, dryRun: false })
    const [outcomes, deleted] = await Promise.all([importing, other.deleteUser(doomed.id)])
    assert.equal(deleted, true)
    for (const [n, outcome] of outcomes.entries()) {
      const found = await other.findTokenByHash((tokens[n] as TokenToImport).hash) ?? undefined
      assert.equal(found?.token.user_id, n % 2 === 0 ? undefined : id, 'the user of a token after the import')
      if (n % 2 === 1) tokenOf(outcome, true)
    }
  }
}

/** Cases that run only if the option `share` is given. */
export const importSharing: Cases = ifPortable({
  'sharing: two processes import the same records, and each is created once': async ({ storage, share }) => {
    await assertImportedOnce(storage, await share(storage))
  },

  'sharing: importTokens leaves no token when another process deletes its user': async ({ storage, share }) => {
    await assertNoOrphan(storage, await share(storage))
  },

  'sharing: another process finds what an import has created': async ({ storage, share }) => {
    const other = await share(storage)
    const [user] = await importUsers(storage, [userToImport(1)])
    const [token] = await storage.importTokens({ records: [tokenToImport(user?.id as string, 1)], dryRun: false })
    assert.deepEqual(await other.findTokenByHash(hashOf(1)), { token: tokenOf(token, true), user })
    const [again] = await other.importUsers({ records: [userToImport(1)], dryRun: false })
    assert.deepEqual(userOf(again, false), user)
    const page = await other.listHashedTokens({ userIds: [user?.id as string], limit: 9 })
    assert.deepEqual(page.map(({ token }) => token), [tokenOf(token, true)])
  }
})
