import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { connect, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { adminKey, build, call } from '../support/helpers.js'

const json = { 'content-type': 'application/json' }

t.test('body parser: accepts JSON with any parameters, and returns 415 for other types', async (t) => {
  const app = await build(t)
  const status = async (contentType: string, email: string) =>
    (await call(app, 'POST', '/admin/users', {
      payload: JSON.stringify({ email }), headers: { 'content-type': contentType }
    })).statusCode
  t.equal(await status('application/json; charset=utf-8', 'a@b'), 201)
  t.equal(await status('Application/JSON', 'c@d'), 201)
  for (const contentType of [
    'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/xml',
    'text/json', 'application/json5', '*/*', 'nonsense'
  ]) {
    const reply = await call(app, 'POST', '/admin/users', {
      payload: '{"email":"e@f"}', headers: { 'content-type': contentType }
    })
    t.equal(reply.statusCode, 415, contentType)
    t.equal(reply.json().code, 'FST_ERR_CTP_INVALID_MEDIA_TYPE', contentType)
  }
  t.equal((await app.vexaAdmin.users.list()).length, 2)
})

// Types and framings that clients send with an empty body.
const types = [
  undefined, '', 'nonsense', 'application/x-www-form-urlencoded', 'text/plain;charset=UTF-8',
  'multipart/form-data; boundary=x', 'application/json', 'application/merge-patch+json'
]
const framings = {
  'no length': '\r\n',
  'length 0': 'content-length: 0\r\n\r\n',
  'no chunks': 'transfer-encoding: chunked\r\n\r\n0\r\n\r\n'
}

t.test('body parser: ignores an empty body of any type and framing', async (t) => {
  const app = await build(t)
  await app.listen({ port: 0, host: '127.0.0.1' })
  await app.vexaAdmin.users.create({ email: 'a@b' })
  for (const type of types) {
    for (const [framing, end] of Object.entries(framings)) {
      const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
      t.teardown(() => socket.destroy())
      // On one connection, because each request must leave it ready for the next one.
      const ask = async (request: string) => {
        socket.write(
          `${request.replace(
            ' ', ' /admin/'
          )} HTTP/1.1\r\nhost: a\r\nx-admin-api-key: ${adminKey}\r\n${type === undefined
            ? ''
            : `content-type: ${type}\r\n`}${end}`
        )
        const [reply] = await once(socket, 'data') as [Buffer]
        const [, status, body = ''] = /^HTTP\/1\.1 (\d+)[^]*?\r\n\r\n([^]*)$/.exec(reply.toString()) ?? []
        return { status: Number(status), body: body === '' ? {} : JSON.parse(body) }
      }
      const name = `${type}, ${framing}`
      const token = await ask('POST users/user-1/tokens')
      t.equal(token.status, 201, name)
      const successor = await ask(`POST tokens/${token.body.id}/rotate`)
      t.equal(successor.status, 201, name)
      t.equal((await ask(`DELETE tokens/${successor.body.id}`)).status, 204, name)
      t.match(await ask('POST tokens/verify'), {
        status: 400, body: { message: /^body\/token Expected required property/ }
      }, name)
      t.match(await ask('POST users'), {
        status: 400, body: { message: /^body\/email Expected required property/ }
      }, name)
      t.match(await ask('PATCH users/user-1'), { status: 400, body: { message: /^body Expected object/ } }, name)
      t.equal((await ask('DELETE users/user-1/tokens')).status, 204, name)
    }
  }
})

t.test('body parser: returns 415 for a body of another type or without a type', async (t) => {
  const app = await build(t)
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  await app.vexaAdmin.users.create({ email: 'a@b' })
  const endless = () => new ReadableStream({ pull: (controller) => controller.enqueue(Buffer.alloc(65_536, 'a')) })
  for (const type of types.filter((type) => type?.endsWith('json') !== true)) {
    for (const [method, path] of [
      ['POST', 'users/user-1/tokens'], ['PATCH', 'users/user-1'], ['DELETE', 'users/user-1/tokens']
    ] as const) {
      for (const body of [Buffer.from('{}'), Buffer.alloc(10_000_000, 'a'), endless()]) {
        const reply = await fetch(`${url}/admin/${path}`, {
          method,
          body,
          duplex: 'half',
          headers: { 'x-admin-api-key': adminKey, ...(type !== undefined && { 'content-type': type }) }
        } as RequestInit)
        t.equal(reply.status, 415, `${method} ${type}`)
        t.match(await reply.json(), { code: 'FST_ERR_CTP_INVALID_MEDIA_TYPE' })
      }
    }
  }
  t.same(await app.vexaAdmin.tokens.list('user-1'), [])
})

t.test('body parser: behaves the same over HTTP/2, where no header announces a body', async (t) => {
  const app = await build(t, {}, { http2: true } as object)
  const client = connectHttp2(await app.listen({ port: 0, host: '127.0.0.1' }))
  t.teardown(() => client.close())
  await app.vexaAdmin.users.create({ email: 'a@b' })
  const ask = async (body: string | undefined, headers: object) => {
    const request = client.request({
      ':method': 'POST', ':path': '/admin/users/user-1/tokens', 'x-admin-api-key': adminKey, ...headers
    }, { endStream: body === undefined })
    if (body !== undefined) request.end(body)
    request.resume()
    const [{ ':status': status }] = await once(request, 'response')
    return status
  }
  for (const type of types) {
    const headers = type === undefined ? {} : { 'content-type': type }
    for (const body of [undefined, '']) t.equal(await ask(body, headers), 201, `${type}, empty`)
    t.equal(await ask('{"expires_in":60}', headers), type?.endsWith('json') ? 201 : 415, `${type}, not empty`)
  }
})

t.test('body parser: returns 413 for a body that is too large, announced or not', async (t) => {
  const app = await build(t)
  const payload = JSON.stringify({ email: 'a@b', name: 'x'.repeat(128 * 1024) })
  const reply = await call(app, 'POST', '/admin/users', { payload, headers: json })
  t.equal(reply.statusCode, 413)
  t.equal(reply.json().code, 'FST_ERR_CTP_BODY_TOO_LARGE')

  const url = await app.listen({ port: 0 })
  const chunked = await fetch(`${url}/admin/users`, {
    method: 'POST',
    headers: { ...json, 'x-admin-api-key': 'an-admin-key-for-the-tests' },
    body: new Blob([payload]).stream(),
    duplex: 'half'
  } as RequestInit)
  t.equal(chunked.status, 413)
  t.same(await app.vexaAdmin.users.list(), [])
})

t.test('body parser: accepts the largest valid body', async (t) => {
  const app = await build(t)
  const escaped = '\\ud83d\\ude00'
  const payload = `{${' '.repeat(1000)}"email":"${escaped.repeat(252)}@b","name":"${escaped.repeat(255)}"}`
  const reply = await call(app, 'POST', '/admin/users', { payload, headers: json })
  t.equal(reply.statusCode, 201, reply.body)
  t.equal(reply.json().name, '😀'.repeat(255))
})

t.test('body parser: rejects invalid UTF-8 instead of replacing it', async (t) => {
  const app = await build(t)
  for (const bytes of [[0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xf0, 0x9f, 0x92]]) {
    const payload = Buffer.concat([Buffer.from('{"email":"'), Buffer.from(bytes), Buffer.from('@b"}')])
    const reply = await call(app, 'POST', '/admin/users', { payload, headers: json })
    t.equal(reply.statusCode, 400)
    t.equal(reply.json().code, 'FST_ERR_CTP_INVALID_JSON_BODY')
  }
  const utf16 = Buffer.from('{"email":"a@b"}', 'utf16le')
  t.equal((await call(app, 'POST', '/admin/users', { payload: utf16, headers: json })).statusCode, 400)
  t.same(await app.vexaAdmin.users.list(), [])
})

t.test('body parser: rejects only numbers that JavaScript cannot represent', async (t) => {
  const app = await build(t)
  const { id } = await app.vexaAdmin.users.create({ email: 'a@b' })
  const send = (number: string) => [
    ['POST', 'users', `{"email":"n@b","data":{"a":[0,{"n":${number}}]}}`],
    ['PATCH', `users/${id}`, `{"data":{"n":${number} }}`], ['PATCH', `users/${id}`, `{"data":{"n":[${number}]}}`],
    ['POST', 'users', `{"email":"n@b","max_concurrent_bots":\n${number}\n}`],
    ['POST', `users/${id}/tokens`, `{"expires_in":${number}}`], ['DELETE', `users/${id}/tokens`, number]
  ].map(([method = '', path = '', payload = '']) =>
    call(app, method as 'POST', `/admin/${path}`, { payload, headers: json }))
  for (const number of [
    '1124382938475839489', '-9007199254740993', '18446744073709551616', '12345678901234567.89',
    '0.12345678901234567890', '3.141592653589793238', '123456789012345678e-3', '1e400', '-1E+400', '1e-400',
    '-4.9e-324', '1.7976931348623158e308', `1${'0'.repeat(20)}1`, `1${'0'.repeat(400)}`, `0.${'0'.repeat(400)}1`,
    '1e99999999999999999999', '1e-99999999999999999999'
  ]) {
    for (const reply of await Promise.all(send(number))) {
      t.equal(reply.statusCode, 400, number)
      t.match(reply.json(), {
        code: 'FST_ERR_VALIDATION',
        message: /^body has a number that JavaScript cannot represent, at position \d+: send it as a string$/
      })
    }
  }
  t.same([(await app.vexaAdmin.users.get(id)).data, (await app.vexaAdmin.users.list()).length], [undefined, 1])

  const numbers = [
    '0', '-1', '9007199254740991', '-9007199254740992', '9007199254740994', '0.1', '0.30000000000000004',
    '1234567890123.25', '100000000000000000000000', '1e23', '1.7976931348623157E+308', '5e-324', '2.5e-7', '1.0', '1e2',
    '-0', '-0.0e5', '0e99999999999999999999', '0.10000000000000000000', `0.${'0'.repeat(20)}1`,
    `1.${'0'.repeat(10_000)}`, '01'.slice(1), '1.50E1'
  ]
  const payload = `{"data":{"numbers":[${numbers.join(' , ')}],"text":"1124382938475839489 \\"1e400\\" :"}}`
  const reply = await call(app, 'PATCH', `/admin/users/${id}`, { payload, headers: json })
  const values = numbers.map((number) => Number(number) + 0)
  t.same(reply.json().data, { numbers: values, text: '1124382938475839489 "1e400" :' })
  t.same((await call(app, 'GET', `/admin/users/${id}`)).json().data.numbers, values)
  await t.rejects(app.vexaAdmin.users.update(id, { data: { n: 1n } }), {
    code: 'VEXA_ADMIN_ERR_INVALID_INPUT'
  }, 'a bigint in a call of the service')
})

t.test('body parser: rejects a duplicate member, even escaped, at any depth', async (t) => {
  const app = await build(t)
  const { id } = await app.vexaAdmin.users.create({ email: 'a@b' })
  const { token } = await app.vexaAdmin.tokens.create(id)
  const requests = [
    ['POST', 'users', '{"email":"one@x","email":"two@x"}'], ['POST', 'users', '{"email":"one@x","email":"one@x"}'],
    ['POST', 'users', '{"email":"one@x","e\\u006dail" :null}'],
    ['PATCH', `users/${id}`, '{"disabled":true,"disabled":false}'],
    ['PATCH', `users/${id}`, '{"data":{"plan":"free","pl\\u0061n":"pro"}}'],
    ['PATCH', `users/${id}`, '{"data":{"a":[1,[{"b":{},"c":"}","b"\n:{}}]]}}'],
    ['PATCH', `users/${id}`, '{"data":{"":1,"a":{"":1},"":2}}'],
    ['PATCH', `users/${id}`, '{"data":{"\\"":1,"a":"\\\\","\\u0022":2}}'],
    ['POST', `users/${id}/tokens`, '{"expires_in":60,"expires_in":3600}'],
    ['POST', 'tokens/token-1/rotate', '{"grace_period":1,"grace_period":2}'],
    ['POST', 'tokens/verify', `{"token":"${token}","token":"${token}"}`], ['DELETE', `users/${id}`, '[{"a":1,"a":2}]']
  ] as const
  for (const [method, path, payload] of requests) {
    const reply = await call(app, method, `/admin/${path}`, { payload, headers: json })
    t.match(
      [reply.statusCode, reply.json()],
      [400, { code: 'FST_ERR_VALIDATION', message: /^body has a duplicate member, at position \d+: send it once$/ }],
      payload
    )
  }
  const data = '{"a":{"a":[{"a":"a"},{"a":{"a":":"}}]},"A":"\\"a\\":","b":"{","c":["a","a"],"a ":1}'
  t.same(
    (await call(app, 'PATCH', `/admin/users/${id}`, { payload: `{"data":${data}}`, headers: json })).json().data,
    JSON.parse(data)
  )
  t.equal((await app.vexaAdmin.users.list()).length, 1)
})

t.test('body parser: names the members that are forbidden, and reports other faults as no JSON', async (t) => {
  const app = await build(t)
  const forbidden = {
    code: 'FST_ERR_VALIDATION',
    message: 'body has a forbidden member: __proto__, or constructor with a member prototype'
  }
  const invalid = { code: 'FST_ERR_CTP_INVALID_JSON_BODY' }
  for (const [data, expected] of [
    ['{"__proto__":1}', forbidden], ['{"a":[{"__pr\\u006fto__":{}}]}', forbidden],
    ['{"constructor":{"prototype":{"a":1}}}', forbidden], ['{"__proto__":1', invalid], ['{"__proto__":01}', invalid]
  ] as const) {
    const payload = `{"email":"a@b","data":${data}}`
    const reply = await call(app, 'POST', '/admin/users', { payload, headers: json })
    t.match(reply.json(), { statusCode: 400, ...expected }, data)
  }
  const payload = '{"email":"a@b","data":{"constructor":{"a":1},"prototype":1}}'
  t.equal((await call(app, 'POST', '/admin/users', { payload, headers: json })).statusCode, 201)
})

t.test('body parser: stores nothing and logs no stack when a body breaks off', async (t) => {
  const lines: string[] = []
  const app = await build(t, {}, { logger: { stream: { write: (line: string) => { lines.push(line) } } } })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  for (const [header, part] of [
    ['content-type: application/json\r\ncontent-length: 100', '{"email":"a@b'],
    ['content-type: application/json\r\ntransfer-encoding: chunked', 'ZZ\r\n'],
    ['content-type: text/plain\r\ncontent-length: 100', '']
  ] as const) {
    lines.length = 0
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.write(`POST /admin/users HTTP/1.1\r\nhost: a\r\nx-admin-api-key: ${adminKey}\r\n${header}\r\n\r\n${part}`)
    while (lines.length === 0) await sleep(5)
    if (header.includes('length')) socket.destroy()
    while (!lines.some((line) => line.includes('"err"'))) await sleep(5)
    socket.destroy()
    t.match(lines.join(''), 'aborted')
    t.notMatch(lines.join(''), /\bat .*:\d+/, 'no stack')
  }
  t.same(await app.vexaAdmin.users.list(), [])
})
