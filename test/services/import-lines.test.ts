import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import type { ImportInput, ImportIssue } from '../../src/index.js'
import { open, run, textOf, token, user } from '../support/imports.js'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

function usedHeap (): number {
  gc()
  return process.memoryUsage().heapUsed
}

t.test('import: accepts text and bytes in pieces of any size, and objects', async (t) => {
  const ref = '\u00e9\u{1F511}'
  const lines = [
    user(ref, { email: 'x@y' }), token(ref, 'sk_1', { name: '\u20ac' }), user('b'), token('b', 'sk_2')
  ]
  const text = textOf(lines)
  const bytes = Buffer.from(text)
  const cut = <T extends { length: number, slice (start: number, end: number): T }>(whole: T, size: number) =>
    Array.from({ length: Math.ceil(whole.length / size) }, (_, n) => whole.slice(n * size, (n + 1) * size))
  const inputs: Record<string, unknown> = {
    text,
    'without the last newline': text.trimEnd(),
    'with a byte order mark': `\uFEFF${text}`,
    'bytes with a byte order mark': Buffer.from(`\uFEFF${text}`),
    'with carriage returns and blank lines': text.replaceAll('\n', '\r\n \r\n\n'),
    bytes,
    'a Uint8Array': new Uint8Array(bytes),
    'a Readable of bytes': Readable.from(cut(bytes, 7)),
    'single bytes': cut(bytes, 1),
    'single characters': [...text],
    'a Readable of text': Readable.from(cut(text, 11)),
    objects: lines,
    'objects after text': [JSON.stringify(lines[0]), ...lines.slice(1)],
    'an async generator': (async function * () { yield text })()
  }
  for (const [name, input] of Object.entries(inputs)) {
    const admin = await open(t)
    const { counts, issues } = await run(admin, input)
    t.same({ counts, issues }, { counts: { 'user created': 2, 'token created': 2 }, issues: [] }, name)
    t.same((await admin.tokens.find()).map(({ name }) => name), ['\u20ac', undefined], name)
  }
})

t.test('import: reports and skips each line that is not valid', async (t) => {
  const admin = await open(t, { scopes: ['bot'], maxDataSize: 20 })
  const first = [user('jane'), token('jane', 'sk_1')]
  const other = (members: object) => token('jane', 'sk_2', members)
  const invalid: Array<[line: unknown, message: RegExp, kind?: string]> = [
    ['{', /^The line is not JSON$/],
    ['{"user":{"ref":"x","email":"x@y"}}}', /is not JSON/],
    ['{"token":{"user":"jane","value":"sk_secret"}', /^The line is not JSON$/],
    ['{"user":{"ref":"x","ref":"x","email":"x@y"}}', /has a duplicate member/],
    ['{"user":{"ref":"x","email":"x@y","data":{"n":12345678901234567890}}}', /number that JavaScript cannot represent/],
    ['null', /Expected { "user"/],
    ['[]', /Expected { "user"/],
    ['7', /Expected { "user"/],
    [{}, /Expected { "user"/],
    [{ note: {} }, /Expected { "user"/],
    [{ user: null }, /^\/user Expected object$/, 'user'],
    [{ token: [] }, /^\/token Expected object$/, 'token'],
    [{ ...user('x'), ...other({}) }, /^\/user Unexpected property$/, 'user'],
    [{ ...user('x'), more: 1 }, /^\/more Unexpected property$/, 'user'],
    [user('x', { plan: 1 }), /^\/user\/plan Unexpected property$/, 'user'],
    [user('x', { role: undefined, admin: true }), /Unexpected property$/, 'user'],
    [user(''), /^\/user\/ref Expected/, 'user'],
    [user('x'.repeat(256), { email: 'x@y' }), /^\/user\/ref Expected/, 'user'],
    [user('x\0'), /^\/user\/ref Expected/, 'user'],
    [{ user: { email: 'x@y' } }, /^\/user\/ref Expected required/, 'user'],
    [{ user: { ref: 'x' } }, /^\/user\/email Expected required/, 'user'],
    [user('x', { email: 'x' }), /^\/user\/email Expected an e-mail address/, 'user'],
    [user('x', { email: 'x y@z' }), /^\/user\/email/, 'user'],
    [user('x', { name: 7 }), /^\/user\/name/, 'user'],
    [user('x', { name: 'x'.repeat(256) }), /^\/user\/name/, 'user'],
    [user('x', { max_concurrent_bots: -1 }), /^\/user\/max_concurrent_bots/, 'user'],
    [user('x', { max_concurrent_bots: '3' }), /^\/user\/max_concurrent_bots/, 'user'],
    [user('x', { max_concurrent_bots: 2147483648 }), /^\/user\/max_concurrent_bots/, 'user'],
    [user('x', { disabled: 1 }), /^\/user\/disabled/, 'user'],
    [user('x', { data: [] }), /^\/user\/data/, 'user'],
    [user('x', { data: { a: 'x'.repeat(20) } }), /^data must be at most 20 bytes as JSON$/, 'user'],
    ...['1969-12-31T23:59:59Z', '2024-02-30T00:00:00Z', '+010000-01-01T00:00:00Z', '2024-01-01', 1704110400, null].map(
      (time): [unknown, RegExp, string] => [user('x', { created_at: time }), /^\/user\/created_at/, 'user']),
    [user('jane', { email: 'x@y' }), /^\/user\/ref An earlier line has this ref$/, 'user'],
    [token('nobody', 'sk_2'), /^\/token\/user No earlier line/, 'token'],
    [other({ sha256: undefined }), /^\/token Expected either sha256 or value$/, 'token'],
    [other({ value: 'sk_2' }), /^\/token Expected either sha256 or value$/, 'token'],
    [{ token: { user: 'jane', value: '' } }, /^\/token\/value Expected 1 to 255/, 'token'],
    [{ token: { user: 'jane', value: 'a b' } }, /^\/token\/value/, 'token'],
    [{ token: { user: 'jane', value: 'x'.repeat(256) } }, /^\/token\/value/, 'token'],
    [{ token: { user: 'jane', value: 'sk_\u00e9' } }, /^\/token\/value/, 'token'],
    [{ token: { user: 'jane', value: 'sk_start', start: 'sk_start' } }, /^\/token\/start is the value$/, 'token'],
    [other({ start: 'sk_2' }), /^\/token\/start is the value$/, 'token'],
    [other({ start: 'x'.repeat(37) }), /^\/token\/start Expected/, 'token'],
    [
      { token: { user: 'jane', value: 'sk_12345', start: 'sk_12' } }, /^\/token\/start has more than half of the value$/,
      'token'
    ],
    [other({ start: '' }), /^\/token\/start Expected/, 'token'],
    [other({ scopes: [] }), /^\/token\/scopes/, 'token'],
    [other({ scopes: ['admin'] }), /^\/token\/scopes\/0 Expected one of the scopes .*: bot; not admin/, 'token'],
    [other({ scopes: ['bot', 'bot'] }), /^\/token\/scopes/, 'token'],
    [other({ scopes: 'bot' }), /^\/token\/scopes/, 'token'],
    [other({ name: 'x\0' }), /^\/token\/name/, 'token'],
    [other({ disabled: 'yes' }), /^\/token\/disabled/, 'token'],
    [other({ data: { a: 'x'.repeat(20) } }), /^data must be/, 'token'],
    [other({ expires_at: '9999-12-31T23:59:59-01:00' }), /^\/token\/expires_at/, 'token'],
    [other({ expires_in: 60 }), /^\/token\/expires_in needs expires_at$/, 'token'],
    [other({ expires_in: 0, expires_at: '2999-01-01T00:00:00Z' }), /^\/token\/expires_in Expected/, 'token'],
    [other({ expires_in: 1.5, expires_at: '2999-01-01T00:00:00Z' }), /^\/token\/expires_in/, 'token'],
    [other({ last_used_at: 'yesterday' }), /^\/token\/last_used_at/, 'token'],
    ...[
      '', 'x', 'a'.repeat(63), 'g'.repeat(64), `${'a'.repeat(42)}b`, `${'a'.repeat(40)}+_A`, `${'A'.repeat(43)}==`
    ].map((sha256): [unknown, RegExp, string] =>
      [other({ sha256 }), /^\/token\/sha256 Expected 32 bytes/, 'token'])
  ]
  const asText = ([line]: typeof invalid[number]) => typeof line === 'string' ? line : JSON.stringify(line)
  for (const [name, lines] of Object.entries({
    text: `${textOf(first)}${invalid.map(asText).join('\n')}\n${textOf([user('last')])}`,
    objects: [...first, ...invalid.map(([line]) => typeof line === 'string' ? [line] : line), user('last')]
  })) {
    const issues: ImportIssue[] = []
    const result = await admin.import(lines as ImportInput, { onIssue: (issue) => { issues.push(issue) } })
    for (const [n, [line, message]] of invalid.entries()) {
      const issue = issues[n] as ImportIssue
      t.same([issue.line, issue.kind], [n + 3, 'rejected'], `${name}: ${JSON.stringify(line)}`)
      if (typeof line !== 'string') t.match(issue.message, message, JSON.stringify(line))
      t.notMatch(JSON.stringify(issue), /sk_|[0-9a-f]{64}/)
    }
    t.equal(issues.length, invalid.length)
    t.match(result, { users: { rejected: invalid.filter(([,, kind]) => kind === 'user').length } }, name)
    t.match(result, { tokens: { rejected: invalid.filter(([,, kind]) => kind === 'token').length } }, name)
    if (name === 'text') t.match(issues.map(({ message }) => message), invalid.map(([, message]) => message))
  }
  t.same((await admin.users.list()).map(({ email }) => email), ['jane@example.com', 'last@example.com'])
  t.equal((await admin.tokens.find()).length, 1)
})

t.test('import: rejects bytes that are not UTF-8, and lines that are too long', async (t) => {
  const admin = await open(t, { maxDataSize: 1000 })
  const latin1 = Buffer.from('{"user":{"ref":"x","email":"x@y","name":"\u00e9"}}\n', 'latin1')
  const longest = 6 * 1000 + 32 * 1024
  const padded = (n: number, length: number) => `${JSON.stringify(user(`u${n}`))}${' '.repeat(length)}`.slice(0, length)
  const text = `${padded(1, longest)}\n${padded(2, longest + 1)}\n${padded(3, longest * 3)}\n${padded(4, 100)}\n`
  const reading = { peak: 0 }
  const pieces = function * () {
    yield latin1
    for (let start = 0; start < text.length; start += 1000) yield Buffer.from(text.slice(start, start + 1000))
    // A line without an end must not fill the memory.
    const start = usedHeap()
    for (let n = 0; n < 50_000; n++) {
      yield 'x'.repeat(1000)
      if (n % 10_000 === 0) reading.peak = Math.max(reading.peak, usedHeap() - start)
    }
  }
  const { counts, issues } = await run(admin, pieces())
  t.same(counts, { 'user created': 2, invalid: 4 })
  t.same(issues, [
    '1 rejected: The line is not UTF-8',
    ...[3, 4, 6].map((line) => `${line} rejected: The line has more than ${longest} characters`)
  ])
  t.ok(reading.peak < 5e6, `${reading.peak} bytes`)
  const mixed = await run(admin, ['x'.repeat(longest + 1), user('after')])
  t.same(mixed.counts, { 'user created': 1, invalid: 1 })
})

t.test('import: reads a SHA-256 as hex, base64 and base64url', async (t) => {
  const admin = await open(t)
  await admin.users.create({ email: 'jane@example.com' })
  let n = 0
  for (let round = 0; round < 20; round++) {
    for (const encoding of ['hex', 'base64', 'base64url'] as const) {
      const value = `sk_${n++}`
      const digest = createHash('sha256').update(value).digest(encoding)
      const sha256 = n % 2 === 0 ? digest.replace('=', '') : encoding === 'hex' ? digest.toUpperCase() : digest
      const { counts } = await run(admin, [user('jane'), token('jane', '', { sha256 })])
      t.same(counts, { 'user present': 1, 'token created': 1 })
      t.match(await admin.tokens.verify({ token: value }), { valid: true }, sha256)
    }
  }
})
