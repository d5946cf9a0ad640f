import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { adminKey, build, call } from '../helpers.js'

const json = { 'content-type': 'application/json' }

t.test('JSON is read whatever its parameters, and anything else is a 415', async (t) => {
  const app = await build(t)
  const status = async (contentType: string, email: string) =>
    (await call(app, 'POST', '/admin/users', { payload: JSON.stringify({ email }), headers: { 'content-type': contentType } })).statusCode
  t.equal(await status('application/json; charset=utf-8', 'a@b'), 201)
  t.equal(await status('Application/JSON', 'c@d'), 201)
  for (const contentType of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/xml', 'text/json', 'application/json5', '*/*', 'nonsense']) {
    const reply = await call(app, 'POST', '/admin/users', { payload: '{"email":"e@f"}', headers: { 'content-type': contentType } })
    t.equal(reply.statusCode, 415, contentType)
    t.equal(reply.json().code, 'FST_ERR_CTP_INVALID_MEDIA_TYPE', contentType)
  }
  t.equal((await app.vexaAdmin.users.list()).length, 2)
})

t.test('a body that is too large is a 413, announced or not', async (t) => {
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

t.test('the largest valid body is not', async (t) => {
  const app = await build(t)
  const escaped = '\\ud83d\\ude00'
  const payload = `{${' '.repeat(1000)}"email":"${escaped.repeat(252)}@b","name":"${escaped.repeat(255)}"}`
  const reply = await call(app, 'POST', '/admin/users', { payload, headers: json })
  t.equal(reply.statusCode, 201, reply.body)
  t.equal(reply.json().name, '😀'.repeat(255))
})

t.test('bytes that are not UTF-8 are refused, not replaced', async (t) => {
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

t.test('a body that breaks off, or is no chunk, stores nothing, and no stack of it is logged', async (t) => {
  const lines: string[] = []
  const app = await build(t, {}, { logger: { stream: { write: (line: string) => { lines.push(line) } } } })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  for (const [header, part] of [['content-length: 100', '{"email":"a@b'], ['transfer-encoding: chunked', 'ZZ\r\n']] as const) {
    lines.length = 0
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.write(`POST /admin/users HTTP/1.1\r\nhost: a\r\nx-admin-api-key: ${adminKey}\r\ncontent-type: application/json\r\n${header}\r\n\r\n${part}`)
    while (lines.length === 0) await sleep(5)
    if (header.startsWith('content')) socket.destroy()
    while (!lines.some((line) => line.includes('"err"'))) await sleep(5)
    socket.destroy()
    t.match(lines.join(''), 'aborted')
    t.notMatch(lines.join(''), /\bat .*:\d+/, 'no stack')
  }
  t.same(await app.vexaAdmin.users.list(), [])
})
