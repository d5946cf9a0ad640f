// A record of the wrong form is a fault. It must not accept or reject a request.
import t from 'tap'
import { MemoryStorage } from '../../../examples/custom-storage.js'
import type { AuditRecord, ListedToken, StorageAdapter, TokenRecord, UserRecord } from '../../../src/index.js'
import {
  checkAnswer, checkAuditAnswer, checkPortableAnswer, checkToken
} from '../../../src/storage/decorators/record-checks.js'
import { adminKey, build, call } from '../../support/helpers.js'

const wrongToken: { [Name in keyof TokenRecord]: unknown[] } = {
  id: [1, null],
  user_id: [1, undefined],
  name: [undefined, 1],
  scopes: ['admin:read', '["admin"]', { admin: true }, [1], ['admin', 1], undefined],
  expires_at: [
    '', 'never', '0000-00-00T00:00:00.000Z', '2999-13-45', '2999-01-01',
    4102444800000, new Date(4102444800000), undefined
  ],
  expires_in: ['60', NaN, undefined],
  disabled: [0, 'false', null, undefined],
  data: ['{}', [], undefined],
  start: [1, undefined],
  last_used_at: ['2024-01-01 12:00:00', undefined],
  created_at: [null, '2024-01-01T12:00:00Z']
}
const wrongUser: { [Name in keyof UserRecord]: unknown[] } = {
  id: [1],
  email: [null, Buffer.from('a@b')],
  name: [undefined, 1],
  max_concurrent_bots: ['3', NaN, 1.5],
  disabled: [0, 'f', null],
  data: ['{}', [], undefined],
  revision: ['0', null],
  created_at: [null, new Date()]
}

const wrongEntry: { [Name in keyof AuditRecord]: unknown[] } = {
  id: [1, null],
  at: [1704110400000, null, '2024-01-01'],
  action: [null, 1],
  actor: [undefined, 1],
  request_id: [undefined, 1],
  user_id: [null, 1],
  token_id: [undefined, 1],
  successor_id: [undefined, 1],
  changed: ['["name"]', {}, [1], undefined]
}

/** Returns a storage in memory whose records get the members of `wrong`. */
function changeable () {
  const stored = new MemoryStorage()
  const wrong: { token: object, user: object } = { token: {}, user: {} }
  const token = (record: any) => typeof record === 'object' ? { ...record, ...wrong.token } : record
  const user = (record: any) => typeof record === 'object' ? { ...record, ...wrong.user } : record
  const listed = (found: ListedToken) => ({ token: token(found.token), user: user(found.user) })
  const storage: StorageAdapter = Object.assign(new MemoryStorage(), {
    createUser: async (record) => user(await stored.createUser(record)),
    findUser: async (id) => user(await stored.findUser(id)),
    findUserByEmail: async (email) => user(await stored.findUserByEmail(email)),
    listUsers: async (page) => (await stored.listUsers(page)).map(user),
    countUsers: async () => 'several' as never,
    updateUser: async (id, changes, revision) => user(await stored.updateUser(id, changes, revision)),
    deleteUser: (id) => stored.deleteUser(id),
    createToken: async (record) => token(await stored.createToken(record)),
    async findTokenByHash (hash) {
      const found = await stored.findTokenByHash(hash)
      return found && { token: token(found.token), user: user(found.user) }
    },
    async findToken (id) {
      const found = await stored.findToken(id)
      return found && listed(found)
    },
    listTokens: async (page) => (await stored.listTokens(page)).map(listed),
    countTokens: async () => 'several' as never,
    // Only the record for `change` or `replace` is wrong, not the answer.
    updateToken: (id, change) => stored.updateToken(id, (current) => change(token(current))),
    rotateToken: (id, replace) => stored.rotateToken(id, (old) => replace(token(old))),
    revokeToken: (id) => stored.revokeToken(id),
    revokeTokens: (id) => stored.revokeTokens(id),
    pruneTokens: async () => ({ deleted: 'some' as never }),
    touchTokens: (ids, time) => stored.touchTokens(ids, time)
  } satisfies Partial<StorageAdapter>)
  return { storage, wrong }
}

t.test('records: every route returns 503 and logs when a record has a wrong form', async (t) => {
  const { storage, wrong } = changeable()
  let log = ''
  const stream = { write: (line: string) => { log += line } }
  const app = await build(t, { storage, scopes: ['admin', 'admin:read'] }, { logger: { level: 'warn', stream } })
  app.get('/admin-only', { onRequest: app.vexaAdmin.requireToken({ scopes: ['admin'] }) }, async () => 'in')
  await call(app, 'POST', '/admin/users', { payload: { email: 'a@b' } })
  const { token } = (await call(app, 'POST', '/admin/users/user-1/tokens', { payload: { scopes: ['admin'] } })).json()
  const guarded = () => app.inject({ url: '/admin-only', headers: { 'x-api-key': token } })
  t.equal((await guarded()).statusCode, 200)

  for (const [kind, members] of Object.entries({ token: wrongToken, user: wrongUser })) {
    for (const [name, values] of Object.entries(members)) {
      for (const value of values) {
        wrong[kind as 'token' | 'user'] = { [name]: value }
        const replies = [
          guarded(),
          call(app, 'POST', '/admin/tokens/verify', { payload: { token } }),
          call(app, 'GET', '/admin/users/user-1'),
          kind === 'user' ? call(app, 'GET', '/admin/users') : call(app, 'POST', '/admin/tokens/token-2/rotate'),
          kind === 'user' ? call(app, 'GET', '/admin/users/email/a@b') : call(app, 'GET', '/admin/users/user-1/tokens'),
          kind === 'user'
            ? call(app, 'PATCH', '/admin/users/user-1', { payload: { name: 'x' } })
            : call(app, 'POST', '/admin/users/user-1/tokens')
        ]
        const statuses = (await Promise.all(replies)).map(({ statusCode }) => statusCode)
        t.same(statuses, Array(6).fill(503), `${kind} ${name}: ${JSON.stringify(value)}`)
        wrong[kind as 'token' | 'user'] = {}
      }
    }
  }
  t.match(log, /"storageCode":"INVALID_RECORD"/)
  t.notMatch(log, adminKey)
  t.equal((await guarded()).statusCode, 200)
  t.equal((await call(app, 'GET', '/admin/users?count=true')).statusCode, 503)
})

const time = '2024-01-01T12:00:00.000Z'
const validToken: TokenRecord = {
  id: '1',
  user_id: '1',
  name: null,
  scopes: null,
  expires_at: null,
  expires_in: null,
  disabled: false,
  data: null,
  start: null,
  last_used_at: null,
  created_at: time
}
const validUser: UserRecord = {
  id: '1', email: 'a@b', name: null, max_concurrent_bots: 3, disabled: false, data: null, revision: 0, created_at: time
}
const validEntry: AuditRecord = {
  id: '1',
  at: time,
  action: 'user.created',
  actor: null,
  request_id: null,
  user_id: '1',
  token_id: null,
  successor_id: null,
  changed: null
}
const checkUser = (user: UserRecord) => checkAnswer.findUser(user)

t.test('records: the error names the member that has a wrong form', async (t) => {
  const check = (name: string, values: unknown[], run: (value: unknown) => unknown) => {
    for (const value of values) {
      const message = new RegExp(`record whose \`${name}\` does not have the form`)
      t.throws(() => run(value), { code: 'INVALID_RECORD', message }, `${name}: ${JSON.stringify(value)}`)
    }
  }
  for (const [name, values] of Object.entries(wrongToken)) {
    check(name, values, (value) => checkToken({ ...validToken, [name]: value }))
  }
  for (const [name, values] of Object.entries(wrongUser)) {
    check(name, values, (value) => checkUser({ ...validUser, [name]: value }))
  }
  for (const [name, values] of Object.entries(wrongEntry)) {
    check(name, values, (value) => checkAuditAnswer.listAudit([{ ...validEntry, [name]: value }]))
  }
  for (const count of [checkAnswer.countUsers, checkAnswer.countTokens]) {
    check('count', ['1', NaN, undefined], (value) => count(value as number))
  }
  for (const pruned of [checkAnswer.pruneTokens, checkAuditAnswer.pruneAudit]) {
    check('deleted', ['1', undefined], (value) => pruned({ deleted: value as number }))
    check('last', [1, {}], (value) => pruned({ deleted: 1, last: value as string }))
  }
  for (const name of ['id', 'email', 'name'] as const) {
    check(name, wrongUser[name], (value) => {
      const listed = { token: validToken, user: { ...validUser, [name]: value } } as ListedToken
      t.throws(() => checkAnswer.findToken(listed))
      return checkAnswer.listTokens([listed])
    })
  }
})

t.test('records: a valid record is accepted', async (t) => {
  checkToken(validToken)
  checkToken({ ...validToken, name: '', scopes: [], expires_at: time, expires_in: 1, last_used_at: time })
  checkToken({ ...validToken, scopes: ['a', 'b'], disabled: true, data: {}, start: 'vex_a1b2' })
  t.equal(checkUser(validUser), validUser)
  checkUser({ ...validUser, name: 'A', disabled: true, data: {} })
  const entries = [validEntry, { ...validEntry, actor: 'a', request_id: 'r', token_id: '1', changed: ['name'] }]
  t.equal(checkAuditAnswer.listAudit(entries), entries)
  const listed = { token: validToken, user: { id: '1', email: 'a@b', name: null } }
  t.same(checkAnswer.listTokens([listed]), [listed])
  for (const pruned of [checkAnswer.pruneTokens, checkAuditAnswer.pruneAudit]) {
    t.strictSame(pruned({ deleted: 0, last: null as never }), { deleted: 0 })
    t.strictSame(pruned({ deleted: 1, last: '7' }), { deleted: 1, last: '7' })
  }
})

t.test('records: a time is UTC with milliseconds, and within the calendar', async (t) => {
  const accepts = (createdAt: string) => {
    try {
      checkToken({ ...validToken, created_at: createdAt })
      return true
    } catch {
      return false
    }
  }
  const times = (dates: string[], hours: string[]) =>
    dates.flatMap((date) => hours.map((hour) => `${date}T${hour}:59:59.999Z`))
  for (const valid of times(
    ['2024-01-01', '2024-09-09', '2024-10-10', '2024-12-31', '2024-02-29', '2024-01-30'],
    ['00', '09', '10', '19', '20', '23']
  )) t.ok(accepts(valid), valid)
  for (const wrong of [
    ...times(['2024-00-01', '2024-13-01', '2024-20-01', '2024-01-00', '2024-01-32', '2024-01-40', '24-01-01'], ['12']),
    ...times(['2024-01-01'], ['24', '29', '30', '1']),
    `x${time}`, `${time}x`, `12024${time.slice(4)}`, time.replace('12:00:', '12:60:'), time.replace('.000', '.00')
  ]) t.notOk(accepts(wrong), wrong)
})

t.test('records: each record of an import needs an outcome of the right form', async (t) => {
  const user = { user: validUser, created: true }
  const token = { token: validToken, created: false }
  const ofUsers = (outcomes: unknown[]) => checkPortableAnswer.importUsers([1, 2])(outcomes as never)
  const ofTokens = (outcomes: unknown[]) => checkPortableAnswer.importTokens([1, 2])(outcomes as never)
  t.same([ofUsers([user, 'rejected']), ofTokens(['absent', token])], [[user, 'rejected'], ['absent', token]])
  for (const wrong of [
    [], [user], [user, user, user], [user, { user: validUser }],
    [{ user: { ...validUser, disabled: 0 }, created: true }, user]
  ]) t.throws(() => ofUsers(wrong), { code: 'INVALID_RECORD' }, JSON.stringify(wrong))
  for (const wrong of [
    [], [token], [token, token, token], [token, { ...token, created: 1 }],
    [{ ...token, token: { ...validToken, scopes: 'a' } }, token]
  ]) t.throws(() => ofTokens(wrong), { code: 'INVALID_RECORD' }, JSON.stringify(wrong))
  const hashed = { token: validToken, hash: Buffer.alloc(32) }
  t.same(checkPortableAnswer.listHashedTokens([hashed]), [hashed])
  for (const hash of [Buffer.alloc(31), 'x'.repeat(32), null]) {
    const wrong = { ...hashed, hash: hash as Buffer }
    t.throws(() => checkPortableAnswer.listHashedTokens([wrong]), { code: 'INVALID_RECORD' })
  }
})
