import t from 'tap'
import { auditEvents } from '../../src/index.js'
import { hear } from '../support/hear.js'
import { build } from '../support/helpers.js'

type Call = (...parameters: unknown[]) => Promise<{ id: string }>

t.test('app.vexaAdmin: the { actor } of each change is in its event', async (t) => {
  const app = await build(t)
  const { users, tokens } = app.vexaAdmin
  const heard = hear(t, ...auditEvents)
  const longest = '\u{1F600}'.repeat(255)
  const changes: Array<[() => Promise<unknown>, object]> = [
    [() => users.create({ email: 'a@b' }, { actor: 'cron' }), { actor: 'cron', userId: 'user-1' }],
    [
      () => users.update('user-1', { name: 'x' }, { actor: 'Zoë <zoe@example.com>' }),
      { actor: 'Zoë <zoe@example.com>', userId: 'user-1', changed: ['name'] }
    ],
    [
      () => tokens.create('user-1', undefined, { actor: longest }),
      { actor: longest, userId: 'user-1', tokenId: 'token-1' }
    ],
    [
      () => tokens.update('token-1', { disabled: false, name: undefined }, { actor: 'it' }),
      { actor: 'it', userId: 'user-1', tokenId: 'token-1', changed: ['disabled'] }
    ],
    [
      () => tokens.rotate('token-1', {}, { actor: 'a b' }),
      { actor: 'a b', userId: 'user-1', tokenId: 'token-1', successorId: 'token-2' }
    ],
    [() => tokens.revoke('token-2', { actor: '7' }), { actor: '7', tokenId: 'token-2' }],
    [() => tokens.revokeAll('user-1', {}), { userId: 'user-1' }],
    [() => users.delete('user-1', { actor: undefined }), { userId: 'user-1' }]
  ]
  for (const [change, expected] of changes) {
    await change()
    t.same(heard.splice(0), [{ prefix: '/admin', ...expected }], JSON.stringify(expected))
  }
})

t.test('app.vexaAdmin: a list rejects `count`, because its result has no total', async (t) => {
  const { users, tokens } = (await build(t)).vexaAdmin
  for (const list of [users.list, tokens.find] as Array<(query: object) => Promise<object[]>>) {
    for (const count of [true, false]) {
      await t.rejects(list({ count }), {
        code: 'VEXA_ADMIN_ERR_INVALID_INPUT', message: '/count Unexpected property'
      })
    }
    t.same(await list({ count: undefined }), [])
  }
})

t.test('app.vexaAdmin: anything but { actor } throws and changes nothing', async (t) => {
  const app = await build(t)
  const { users, tokens } = app.vexaAdmin
  const { id } = await users.create({ email: 'a@b' })
  const token = await tokens.create(id)
  const before = await users.get(id)
  const heard = hear(t, ...auditEvents)
  const changes: Record<string, [Call, ...unknown[]]> = {
    'users.create': [users.create as Call, { email: 'c@d' }],
    'users.update': [users.update as Call, id, { name: 'x' }],
    'users.delete': [users.delete as unknown as Call, id],
    'tokens.create': [tokens.create as Call, id, {}],
    'tokens.update': [tokens.update as Call, token.id, { name: 'x' }],
    'tokens.rotate': [tokens.rotate as Call, token.id, {}],
    'tokens.prune': [tokens.prune as unknown as Call, '2024-01-01T12:00:00Z'],
    'tokens.revoke': [tokens.revoke as unknown as Call, token.id],
    'tokens.revokeAll': [tokens.revokeAll as unknown as Call, id]
  }
  const wrong = [
    0, 1, 'cron', true, null, [], ['cron'], new Date(), new Map(), () => {}, Symbol('x'), { requestId: 'forged' },
    { actor: 'cron', requestId: 'forged' }, { actor: 'cron', ip: '1.2.3.4' },
    { adminKeyFingerprint: 'deadbeef' }, { userId: 'user-9' }, { prefix: '/other' },
    JSON.parse('{"__proto__":{"actor":"x"},"actor":"cron"}'),
    ...[
      '', ' ', ' cron', 'cron ', 'a\nb', 'a\0b', 'a\u202eb', 'a\u200bb', 'a\u3164b', 'a\u2800b', 'a\u2028b', '\ud800',
      'x'.repeat(256), 7, null, {}, ['cron']
    ].map((actor) => ({ actor }))
  ]
  for (const [name, [change, ...parameters]] of Object.entries(changes)) {
    for (const options of wrong) {
      await t.rejects(change(...parameters, options), {
        code: 'VEXA_ADMIN_ERR_INVALID_INPUT',
        statusCode: 400,
        message: /actor/
      }, `${name} ${typeof options}`)
    }
    await t.rejects(Promise.all([parameters[0]].map(change as never)), {
      code: 'VEXA_ADMIN_ERR_INVALID_INPUT'
    }, `[…].map(${name})`)
  }
  t.same(heard, [])
  t.same(await users.get(id), before)
})
