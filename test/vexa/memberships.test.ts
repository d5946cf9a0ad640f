import t from 'tap'
import { buildVexa, callInternal, createUser } from '../support/vexa.js'

t.test('memberships: are created, replaced, listed and removed', async (t) => {
  const app = await buildVexa(t)
  const { id } = await createUser(app, 'jane@example.com')
  const url = `/internal/users/${id}/memberships`
  const body = async (reply: ReturnType<typeof callInternal>) => (await reply).json()
  const first = { workspace_id: 'a', role: 'viewer', added_at: null }
  const second = { workspace_id: 'b/'.repeat(60) + 'c', role: 'owner', added_at: '2026-07-05T00:00:00Z' }
  t.strictSame(await body(callInternal(app, 'GET', url)), { memberships: [] })
  t.strictSame(await body(callInternal(app, 'POST', url, { workspace_id: 'a' })), { memberships: [first] })
  t.strictSame(await body(callInternal(app, 'POST', url, second)), { memberships: [first, second] })
  const replaced = { ...first, role: 'editor' }
  t.strictSame(await body(callInternal(app, 'POST', url, replaced)), { memberships: [second, replaced] })
  t.strictSame(await body(callInternal(app, 'GET', `${url}/`)), { memberships: [second, replaced] })
  const path = `${url}/${encodeURIComponent(second.workspace_id)}`
  t.strictSame(await body(callInternal(app, 'DELETE', path)), { memberships: [replaced] })
  t.strictSame(await body(callInternal(app, 'DELETE', `${url}/unknown/`)), { memberships: [replaced] })
})

t.test('memberships: concurrent changes are all kept', async (t) => {
  const app = await buildVexa(t)
  const { id } = await createUser(app, 'jane@example.com')
  const url = `/internal/users/${id}/memberships`
  await Promise.all(['a', 'b', 'c', 'd'].map((name) => callInternal(app, 'POST', url, { workspace_id: name })))
  t.equal((await callInternal(app, 'GET', url)).json().memberships.length, 4)
})

t.test('memberships: a wrong request gets 400 or 404', async (t) => {
  const app = await buildVexa(t)
  const { id } = await createUser(app, 'jane@example.com')
  for (const body of [{}, { workspace_id: '' }, { workspace_id: 5 }]) {
    const reply = await callInternal(app, 'POST', `/internal/users/${id}/memberships`, body)
    t.same([reply.statusCode, reply.json()], [400, { detail: 'workspace_id required' }])
  }
  for (const user of ['999', 'abc']) {
    for (const reply of [
      await callInternal(app, 'GET', `/internal/users/${user}/memberships`),
      await callInternal(app, 'POST', `/internal/users/${user}/memberships`, { workspace_id: 'a' }),
      await callInternal(app, 'DELETE', `/internal/users/${user}/memberships/a`)
    ]) t.same([reply.statusCode, reply.json()], [404, { detail: 'Unknown user' }])
  }
})
