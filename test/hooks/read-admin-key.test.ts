import t from 'tap'
import { hear } from '../support/hear.js'
import { adminKey, build } from '../support/helpers.js'

const encode = (text: string) => Buffer.from(text).toString('base64')
const apiKey = 'ApiKey realm="admin", header="X-Admin-API-Key"'
const basic = 'Basic realm="admin"'

t.test('Basic: the routes for OAuth clients read the admin key from the password', async (t) => {
  const app = await build(t)
  for (const path of ['introspect', 'revoke']) {
    for (const authorization of [
      `Basic ${encode(`gateway:${adminKey}`)}`, `basic  ${encode(`:${adminKey}`)}`, `BASIC ${encode(`é:${adminKey}`)}`
    ]) {
      const reply = await app.inject({
        method: 'POST', url: `/admin/${path}`, payload: { token: 'x' }, headers: { authorization }
      })
      t.equal(reply.statusCode, 200, `${path} ${authorization}`)
    }
  }
})

t.test('Basic: a key may hold a colon', async (t) => {
  const key = 'a:key:with:colons:in:it'
  const app = await build(t, { adminKeys: [adminKey, key] })
  const reply = await app.inject({
    method: 'POST',
    url: '/admin/introspect',
    payload: { token: 'x' },
    headers: { authorization: `Basic ${encode(`gateway:${key}`)}` }
  })
  t.equal(reply.statusCode, 200)
})

t.test('Basic: the user name is the name of the key', async (t) => {
  const app = await build(t, {
    adminKeys: [
      adminKey, { name: 'gateway', key: 'the-key-of-the-gateway' }, { name: 'Zoë', key: 'the-key-of-Zoe-there' },
      { name: 'a:b', key: 'the-key-of-the-a:b' }
    ]
  })
  for (const [credentials, status] of [
    ['gateway:the-key-of-the-gateway', 200], ['Zoë:the-key-of-Zoe-there', 200], [`gateway:${adminKey}`, 200],
    ['ops:the-key-of-the-gateway', 401], [':the-key-of-the-gateway', 401], ['Gateway:the-key-of-the-gateway', 401],
    ['gateway :the-key-of-the-gateway', 401], ['a:b:the-key-of-the-a:b', 401], ['a:the-key-of-the-a:b', 401]
  ] as const) {
    const headers = { authorization: `Basic ${encode(credentials)}` }
    for (const path of ['introspect', 'revoke']) {
      const reply = await app.inject({ method: 'POST', url: `/admin/${path}`, payload: { token: 'x' }, headers })
      t.equal(reply.statusCode, status, `${path} ${credentials}`)
    }
  }
  const headers = { 'x-admin-api-key': 'the-key-of-the-gateway', authorization: `Basic ${encode('ops:x')}` }
  t.equal((await app.inject({ method: 'POST', url: '/admin/introspect', payload: { token: 'x' }, headers })).statusCode,
    200, 'the header counts')
})

t.test('Basic: the form encoding of OAuth clients is undone', async (t) => {
  const keys = {
    gateway: 'c29tZSBiYXNlNjQ+a2V5/w==',
    'my client': 'the-key-of-my-client',
    'a:b': 'the-key-of-the-a:b',
    Zoë: 'the-key-of-Zoe-there',
    '100%': 'the-key-of-100%-and-more',
    '%41': 'the-key-of-%41+%2B+',
    '%': '%-and-%zz-as-they-are'
  }
  const app = await build(t, { adminKeys: Object.entries(keys).map(([name, key]) => ({ name, key })) })
  const heard = hear(t, 'fastify-vexa-admin:admin:rejected')
  const post = async (credentials: string, path = 'introspect') => (await app.inject({
    method: 'POST',
    url: `/admin/${path}`,
    payload: { token: 'x' },
    headers: { authorization: `Basic ${encode(credentials)}` }
  })).statusCode
  // As Java and browsers do, as oauth4webapi and openid-client do, with lower-case digits, and as RFC 3986 does.
  const encodings = [
    (text: string) => new URLSearchParams([[text, '']]).toString().slice(0, -1),
    (text: string) => encodeURIComponent(text).replace(/[-_.!~*'()]|%20/g, (found) =>
      found === '%20' ? '+' : `%${found.charCodeAt(0).toString(16).toUpperCase()}`),
    (text: string) => encodeURIComponent(text).replace(/%../g, (found) => found.toLowerCase()),
    encodeURIComponent
  ]
  for (const [name, key] of Object.entries(keys)) {
    if (!name.includes(':')) t.equal(await post(`${name}:${key}`), 200, `${name} as it is`)
    for (const form of encodings) {
      for (const path of ['introspect', 'revoke']) {
        t.equal(await post(`${form(name)}:${form(key)}`, path), 200, `${path} ${form(name)}:${form(key)}`)
      }
    }
  }
  t.same(heard, [])
  const [form] = encodings as [(text: string) => string]
  for (const credentials of [
    `gateway:${form(form(keys.gateway))}`, `${form(keys.gateway)}:`, `my client:${form(keys.gateway)}`,
    `${form('my client')}:${form(keys.gateway)}`, `gateway:${form(keys.gateway)}%`, `%zz:${form(keys.gateway)}`,
    `gateway%00:${form(keys.gateway)}`, `gateway:${form(` ${keys.gateway}`)}`, `gateway:+${form(keys.gateway)}`,
    form(`gateway:${keys.gateway}`), '%:%', '+:+', `${form('a:b')}:the-key-of-the-a:b%`
  ]) {
    t.equal(await post(credentials), 401, credentials)
  }
  t.equal(heard.length, 13, 'each request is rejected once')
  t.same(new Set(heard.map(({ reason }) => reason)), new Set(['UNAUTHORIZED']))
})

t.test('Basic: the form encoding is not undone in X-Admin-API-Key', async (t) => {
  const app = await build(t, { adminKeys: ['a-key-with+a/slash=='] })
  for (const [key, status] of [['a-key-with+a/slash==', 200], ['a-key-with%2Ba%2Fslash%3D%3D', 401]] as const) {
    const headers = { 'x-admin-api-key': key }
    const reply = await app.inject({ method: 'POST', url: '/admin/introspect', payload: { token: 'x' }, headers })
    t.equal(reply.statusCode, status)
  }
})

t.test('Basic: a key has its permissions, and names the actor', async (t) => {
  const app = await build(t, {
    adminKeys: [
      { name: 'gateway', key: 'the-key-of-the-gateway', permissions: ['verify'] },
      { name: 'client', key: 'the-key-of-the-client', permissions: ['tokens'] }
    ]
  })
  const heard = hear(t, 'fastify-vexa-admin:token:revoked')
  await app.vexaAdmin.users.create({ email: 'a@b' })
  const { token } = await app.vexaAdmin.tokens.create('user-1')
  const post = async (path: string, name: string) => (await app.inject({
    method: 'POST',
    url: `/admin/${path}`,
    payload: { token },
    headers: { authorization: `Basic ${encode(`${name}:the-key-of-the-${name}`)}` }
  })).json()
  const forbidden = { statusCode: 403, code: 'VEXA_ADMIN_ERR_FORBIDDEN' }
  t.match(await post('revoke', 'gateway'), forbidden)
  t.match(await post('introspect', 'client'), forbidden)
  t.match(await post('introspect', 'gateway'), { active: true })
  t.same(await post('revoke', 'client'), {})
  t.same(await post('introspect', 'gateway'), { active: false })
  t.same(heard.map(({ actor }) => actor), ['client'])
})

t.test('Basic: returns one 401 with both challenges for anything but the key', async (t) => {
  const app = await build(t)
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const right = `Basic ${encode(`x:${adminKey}`)}`
  const headers: Record<string, Record<string, string>> = {
    missing: {},
    'wrong key': { authorization: `Basic ${encode('x:some-other-key-of-some-length')}` },
    'key as user name': { authorization: `Basic ${encode(`${adminKey}:`)}` },
    'no colon': { authorization: `Basic ${encode(adminKey)}` },
    'not encoded': { authorization: `Basic x:${adminKey}` },
    'characters after the encoding': { authorization: `${right}!` },
    'no credentials': { authorization: 'Basic' },
    'another scheme': { authorization: `Bearer ${adminKey}` },
    'a wrong header besides': { authorization: right, 'x-admin-api-key': 'some-other-key-of-some-length' },
    'an empty header besides': { authorization: right, 'x-admin-api-key': '' }
  }
  for (const path of ['introspect', 'revoke']) {
    for (const [name, sent] of Object.entries(headers)) {
      const reply = await app.inject({ method: 'POST', url: `/admin/${path}`, payload: { token: 'x' }, headers: sent })
      t.match(reply.json(), { statusCode: 401, code: 'VEXA_ADMIN_ERR_UNAUTHORIZED' }, name)
      t.same(reply.headers['www-authenticate'], [apiKey, basic], name)
    }
    const twice = await fetch(`${url}/admin/${path}`, { method: 'POST', headers: { authorization: 'Basic' } })
    t.equal(twice.headers.get('www-authenticate'), `${apiKey}, ${basic}`)
  }
})

t.test('Basic: a repeated Authorization header gets 401', async (t) => {
  const app = await build(t)
  const reply = await app.inject({
    method: 'POST',
    url: '/admin/introspect',
    payload: { token: 'x' },
    headers: { authorization: [`Basic ${encode(`x:${adminKey}`)}`, `Basic ${encode(`y:${adminKey}`)}`] as never }
  })
  t.equal(reply.statusCode, 401)
})

t.test('Basic: other routes do not read it, and do not ask for it', async (t) => {
  const app = await build(t)
  const authorization = `Basic ${encode(`x:${adminKey}`)}`
  for (const [method, path] of [['GET', 'users'], ['POST', 'users'], ['POST', 'tokens/verify']] as const) {
    const reply = await app.inject({ method, url: `/admin/${path}`, headers: { authorization } })
    t.equal(reply.statusCode, 401, path)
    t.equal(reply.headers['www-authenticate'], apiKey, path)
  }
})

t.test('Basic: a request from a browser needs the header X-Admin-API-Key', async (t) => {
  const app = await build(t)
  const post = (headers: Record<string, string>) =>
    app.inject({ method: 'POST', url: '/admin/introspect', payload: { token: 'x' }, headers })
  const authorization = `Basic ${encode(`x:${adminKey}`)}`
  for (const sent of [
    { origin: 'https://evil.example' }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-origin' }
  ] as Array<Record<string, string>>) {
    const reply = await post({ authorization, ...sent })
    t.equal(reply.statusCode, 401)
    t.equal(reply.headers['www-authenticate'], apiKey, 'the browser does not ask its user')
    t.equal((await post({ 'x-admin-api-key': adminKey, ...sent })).statusCode, 200)
  }
})

t.test('Basic: means nothing to the plugin when `authorize` is set', async (t) => {
  const app = await build(t, { authorize: (request) => request.headers.me === 'admin' })
  const post = (headers: Record<string, string>) =>
    app.inject({ method: 'POST', url: '/admin/introspect', payload: { token: 'x' }, headers })
  t.equal((await post({ me: 'admin' })).statusCode, 200)
  t.equal((await post({ me: 'admin', origin: 'https://evil.example' })).statusCode, 403)
  const reply = await post({ authorization: `Basic ${encode(`x:${adminKey}`)}` })
  t.equal(reply.statusCode, 401)
  t.equal(reply.headers['www-authenticate'], apiKey)
})
