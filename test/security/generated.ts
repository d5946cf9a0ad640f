// Generates valid and invalid requests.
import fc, { type Arbitrary } from 'fast-check'
import { normalizeEmail } from '../../src/normalize.js'
import { adminKey } from '../support/helpers.js'

const oneOf = (unit: 'grapheme-ascii' | 'binary') => fc.string({ unit, minLength: 1, maxLength: 1 })
const odd = fc.constantFrom(
  ...'\u00e9\u00c5\u0301\u0130\u0131\u017f\u212a\u00df\u03a3\u0410\u0663\u{1d7ce}\u{1f49b}' +
    '%_-+=/\\\'"`;,.: \n\u00a0\u200b\u2028\u202e\ufeff'
)
export const character = fc.oneof(oneOf('grapheme-ascii'), odd, oneOf('binary')).filter((c) => c !== '\0')
export const text = (maxLength: number, minLength = 0) => fc.string({ unit: character, minLength, maxLength })
const badText = fc.tuple(text(9), fc.constantFrom('\0', '\ud800', '\udfff'), text(9)).map((parts) => parts.join(''))
export const hostile = fc.constantFrom(
  "'; drop table vexa_users; --", "' or '1'='1", '../../etc/passwd', '%', '__proto__', 'constructor', 'toString'
)
/** Generates a text with one character changed, added or removed, or with two swapped. */
export const edited = (text: string) => fc.tuple(
  fc.nat(text.length - 1), fc.nat(6), fc.oneof(fc.stringMatching(/^[0-9A-Za-z]$/), character)
).map(([i, how, other]) => {
  const [before, c, after] = [text.slice(0, i), text.charAt(i), text.slice(i + 1)]
  const wide = String.fromCharCode(c.charCodeAt(0) + 0xfee0)
  return [
    before + other + after, before + other + c + after, text + other, before + after,
    before + after.charAt(0) + c + after.slice(1), before + wide + after, before + c.toUpperCase() + after
  ][how] as string
}).filter((edited) => edited !== text)
/** Returns a text as Node.js reads it from a header, without control characters, which Node.js rejects. */
export const asHeader = (text: string) =>
  Buffer.from(text).toString('latin1').replace(/\p{Cc}/gu, (c) => c === '\t' || c > '\x7f' ? c : '')

// Valid and invalid values of each member of bodies and queries.
type Fields = Record<string, [valid: Arbitrary<unknown>, broken: Arbitrary<unknown>]>

// The JSON parser rejects `__proto__`, and `constructor` with `prototype` in it.
const memberName = text(9).filter((name) => !['__proto__', 'prototype'].includes(name))
const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof({
    depthSize: 'small'
  }, fc.constant(null), fc.boolean(), fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => x + 0), text(20),
  fc.array(tie('json'), {
    maxLength: 5
  }), fc.dictionary(memberName, tie('json'), { maxKeys: 5, noNullPrototype: true }))
}))
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isText = (value: unknown) => typeof value === 'string'
const anythingBut = (is: (value: unknown) => boolean, ...more: Array<Arbitrary<unknown>>) =>
  fc.oneof(json.filter((value) => !is(value)), ...more)
const nested = (levels: number): object => levels === 1 ? {} : { a: nested(levels - 1) }
const repeated = (min: number, max: number) => fc.integer({ min, max }).map((length) => 'x'.repeat(length))

// Small enough that two of them can be merged.
const data = fc.oneof({
  weight: 5, arbitrary: fc.dictionary(memberName, json, { maxKeys: 6, noNullPrototype: true })
}, fc.integer({ min: 1, max: 31 }).map(nested), repeated(0, 8000).map((a) => ({ a })))
  .filter((data) => Buffer.byteLength(JSON.stringify(data)) < 8180)
const notData = anythingBut(
  (value) => value === null || isObject(value), fc.integer({ min: 32, max: 99 }).map(nested),
  repeated(16 * 1024 - 7, 20_000).map((a) => ({ a })), badText.map((a) => ({ a: [a] })),
  badText.map((name) => ({ [name]: 1 })),
  fc.constantFrom(JSON.parse('{"__proto__":{}}'), { constructor: { prototype: {} } })
)
// Characters that have a meaning in an address, or do not show.
const unusable = /[\s\p{C}\p{Default_Ignorable_Code_Point}\u2800"(),.:;<>@[\\\]]/u
const inAddress = fc.string({
  unit: character.filter((c) => !unusable.test(c + normalizeEmail(c))), minLength: 1, maxLength: 50
}).filter((text) => !/^\p{M}/u.test(normalizeEmail(text)))
const dotted = (part: Arbitrary<string>, maxLength: number) =>
  fc.array(part, { minLength: 1, maxLength }).map((parts) => parts.join('.'))
const domain = dotted(fc.oneof(
  fc.stringMatching(/^[0-9a-z]([0-9A-Za-z]|[a-z]-[a-z]){0,20}[A-Za-z]$/),
  fc.constantFrom('B', 'stra\u00dfe', '\u4f8b\u5b50', '\u043f\u0440\u0438\u043c\u0435\u0440', 'xn--fsqu00a')
), 3)
const email = fc.oneof({
  weight: 5, arbitrary: fc.tuple(dotted(inAddress, 3), domain).map((parts) => parts.join('@'))
}, fc.constantFrom('a@b', `${'\u{1f49b}'.repeat(252)}@x`))
const notEmail = anythingBut(isText, text(20).filter((text) =>
  text.split('@').length !== 2), badText.map((text) => `${text}@x`), repeated(253, 3000).map((text) => `${text}@x`),
fc.tuple(inAddress, fc.constantFrom(' ', '\n', '\u00a0', '\x7f', '@', '\u200b', '"', '..', '<'), inAddress).map(
  (parts) => `${parts.join('')}@x`
),
fc.tuple(domain, fc.constantFrom('', '-', '.', '_', '!', '/', '%2e', '\u00ad', '\uff0e', 'x'.repeat(64))).map(
  ([domain, end]) => end === '' ? `@${domain}` : `a@${domain}.${end}`
))
const integer = (min: number): Fields[string] => [fc.integer({
  min, max: 2 ** 31 - 1
}), anythingBut((value) => typeof value === 'number', fc.nat().map(String), fc.constantFrom(min - 1, 2 ** 31),
  fc.maxSafeInteger().filter((n) =>
    n < min || n >= 2 ** 31), fc.double({ noNaN: true, min: -1e9, max: 1e9 }).filter((n) => !Number.isInteger(n)))]
export const scopes = ['bot', 'tx:read', 'tx']
export const scopeList: Fields[string] = [fc.shuffledSubarray(scopes, { minLength: 1 }), anythingBut(
  Array.isArray, fc.constantFrom([], ['bot', 'bot'], ['BOT']),
  json.filter((value) => !scopes.includes(value as string)).map((other) => ['bot', other])
)]
const name: Fields[string] = [fc.option(text(255)), anythingBut((value) =>
  value === null || isText(value), text(300, 256), badText)]
const notNumber = text(9).filter((text) => !/^\d+$/.test(text))

const boolean: Fields[string] = [fc.boolean(), anythingBut((value) => typeof value === 'boolean')]
const notNull = (values: Arbitrary<unknown>) => values.filter((value) => value !== null)

/** Times as in RFC 3339, with any offset, and texts that are not. */
const time: Fields[string] = [
  fc.tuple(
    fc.date({ min: new Date('1970-01-01'), max: new Date('9999-12-30'), noInvalidDate: true }),
    fc.integer({ min: -1439, max: 1439 }), fc.constantFrom(23, 19), fc.boolean()
  ).map(([date, offset, length, lower]) => {
    const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, length)
    const clock = [Math.trunc(Math.abs(offset) / 60), Math.abs(offset) % 60].map((n) => String(n).padStart(2, '0'))
    const text = local + (offset === 0 ? 'Z' : `${offset < 0 ? '-' : '+'}${clock.join(':')}`)
    return lower ? text.toLowerCase() : text
  }),
  fc.oneof(text(20), fc.constantFrom(
    '2024-01-01', '2024-01-01T12:00:00', '2024-01-01 12:00:00Z', '2024-02-30T00:00:00Z', '2024-01-01T12:00:00 02:00',
    '2024-01-01T12:00:60Z', '2024-01-01T24:00:00Z', '+12024-01-01T00:00:00Z', '1970-01-01T00:00:00+01:00', '0000-01-01T00:00:00Z'
  ))
]
const page = {
  limit: [fc.integer({ min: 1, max: 1000 }).map(
    String
  ), fc.oneof(notNumber, fc.integer({ min: 1001 }).map(String), fc.constant('0'))],
  order: [fc.constantFrom('asc', 'desc'), fc.oneof(text(9), fc.constantFrom('ASC', 'asc,desc'))]
} satisfies Fields
const after = (kind: string, other: string): Fields[string] => [
  fc.stringMatching(new RegExp(`^${kind}-[\\w-]{1,64}$`)),
  fc.oneof(text(30), fc.stringMatching(new RegExp(`^${kind}-\\w{65,70}$`)), fc.constantFrom(
    `${kind}-1\n`, `${kind}-`, `${other}-1`
  ))
]
const selection = {
  search: [text(255), fc.oneof(text(300, 256), fc.tuple(text(9), text(9)).map((parts) => parts.join('\0')))],
  count: [fc.constantFrom('true', 'false'), fc.oneof(text(9), fc.constantFrom('1', 'TRUE'))]
} satisfies Fields

const userFields: Fields = { email: [email, notEmail], name, max_concurrent_bots: integer(0) }
export const fields = {
  createUser: { ...userFields, data: [data, fc.oneof(notData, fc.constant(null))] },
  updateUser: {
    ...userFields,
    disabled: boolean,
    data: [fc.option(data), notData]
  },
  createToken: {
    name,
    scopes: scopeList,
    expires_in: integer(1),
    data: [data, fc.oneof(notData, fc.constant(null))],
    prefix: [fc.constant('vex_'), fc.oneof(fc.constantFrom('', 'vex', 'VEX_', 'bot_'), anythingBut(isText))]
  },
  updateToken: {
    name,
    scopes: [fc.option(scopeList[0]), notNull(scopeList[1])],
    disabled: boolean,
    expires_in: [fc.option(integer(1)[0]), notNull(integer(1)[1])],
    data: [fc.option(data), notData]
  },
  rotateToken: { grace_period: integer(0) },
  verifyToken: { token: [fc.oneof(text(50), badText), anythingBut(isText)], scopes: scopeList, touch: boolean },
  listUsers: {
    skip: [fc.maxSafeNat().map(String), fc.oneof(notNumber, fc.constantFrom('9007199254740992', '1e3', '-0', '0x1'))],
    ...page,
    ...selection,
    after: after('user', 'token'),
    disabled: [fc.constantFrom('true', 'false'), fc.oneof(text(9), fc.constantFrom('1', 'TRUE', 'null'))]
  },
  listTokens: { ...page, after: after('token', 'user') },
  findTokens: {
    ...page,
    ...selection,
    after: after('token', 'user'),
    start: [fc.stringMatching(/^[!-~]{1,8}$/), fc.oneof(fc.constantFrom('', 'a b', '\u00e9'), repeated(9, 50), badText)],
    state: [fc.constantFrom('active', 'disabled', 'expired'), fc.oneof(text(5), fc.constantFrom('EXPIRED', 'revoked'))],
    unused_since: time,
    expires_before: time
  },
  listAudit: {
    ...page,
    after: after('audit', 'user'),
    action: [fc.constantFrom('user.created', 'token.rotated'), fc.oneof(text(9), fc.constantFrom('user.Created'))],
    actor: [text(255), fc.oneof(text(300, 256), fc.tuple(text(9), text(9)).map((parts) => parts.join('\0')))],
    since: time,
    until: time
  },
  pruneTokens: {
    state: [fc.constant('expired'), fc.constantFrom('active', 'disabled', '', 'expired ')],
    expired_before: [
      fc.constantFrom('2000-01-01T00:00:00Z', '1999-12-31T23:59:59.999-08:00'),
      fc.oneof(time[1], fc.constantFrom('9999-01-01T00:00:00Z', '2200-01-01T00:00:00.000+00:00'))
    ]
  }
} satisfies Record<string, Fields>

export function valid (fields: Fields, requiredKeys: string[] = []): Arbitrary<Record<string, any>> {
  return fc.record(Object.fromEntries(Object.entries(fields).map(([name, [valid]]) => [name, valid])), {
    requiredKeys, noNullPrototype: true
  })
}

export interface Route {
  method: 'DELETE' | 'GET' | 'PATCH' | 'POST' | 'PUT'
  path: string
  query?: Fields
  /** Names of the members that the query must have. */
  needed?: string[]
  body?: Fields
  required?: string[]
  /** Valid and invalid bodies that have members of any name. */
  free?: Fields[string]
  /** Whether the route obeys `If-Match`. */
  conditional?: boolean
}

interface Request {
  id: string
  query: Record<string, any>
  body?: any
  payload?: string
  type?: string
  key?: string | undefined
  ifMatch?: string
}

export const routes: Route[] = [
  { method: 'GET', path: '/users', query: fields.listUsers },
  { method: 'GET', path: '/audit', query: fields.listAudit },
  { method: 'POST', path: '/users', body: fields.createUser, required: ['email'] },
  { method: 'GET', path: '/users/email/:id' },
  { method: 'GET', path: '/users/:id' },
  { method: 'PATCH', path: '/users/:id', body: fields.updateUser, required: [], conditional: true },
  { method: 'PUT', path: '/users/:id/data', free: [data, notData], conditional: true },
  { method: 'DELETE', path: '/users/:id', conditional: true },
  { method: 'GET', path: '/users/:id/tokens', query: fields.listTokens },
  { method: 'POST', path: '/users/:id/tokens', body: fields.createToken },
  { method: 'DELETE', path: '/users/:id/tokens' },
  { method: 'GET', path: '/tokens', query: fields.findTokens },
  { method: 'DELETE', path: '/tokens', query: fields.pruneTokens, needed: ['state', 'expired_before'] },
  { method: 'GET', path: '/tokens/:id' },
  { method: 'PATCH', path: '/tokens/:id', body: fields.updateToken, required: [] },
  { method: 'DELETE', path: '/tokens/:id' },
  { method: 'POST', path: '/tokens/:id/rotate', body: fields.rotateToken },
  { method: 'POST', path: '/tokens/verify', body: fields.verifyToken, required: ['token'] }
]

/** Generates a request with one fault, and the status of its reply. */
export function broken (route: Route, secrets: string[]): Arbitrary<[status: number, request: Request]> {
  const { method, path, query = {}, needed = [], body, required, free, conditional } = route
  const id = path.startsWith('/tokens') ? 'token-1' : path.includes('email') ? 'owner@example.com' : 'user-1'
  const whole: Arbitrary<Request> = fc.record({
    id: fc.constant(id),
    query: valid(query, needed),
    body: free?.[0] ??
      (body ? required ? valid(body, required) : fc.option(valid(body), { nil: undefined }) : fc.constant(undefined))
  })
  const kinds: Array<Arbitrary<[number, Request]>> = []
  const change = <T> (status: number, value: Arbitrary<T>, to: (value: T, request: Request) => Partial<Request>) => {
    kinds.push(fc.tuple(whole, value).map(([request, value]) => [status, { ...request, ...to(value, request) }]))
  }
  const secret = fc.constantFrom(...secrets)
  const unknownName = fc.oneof(text(9, 1), secret, hostile, fc.constantFrom('id', 'hash', 'revision', 'Email')).filter(
    (name) => !Object.hasOwn({ ...query, ...body }, name)
  )
  const near = fc.oneof(
    fc.stringMatching(/^(user|token|USER)-?[+0 ]?[0-9]{1,20}$/), edited(id), secret, hostile, text(30), text(150)
  ).filter((other) => !/^(user|token)-[12]$/.test(other) && normalizeEmail(other) !== id)

  change(
    401, fc.oneof(fc.constant(undefined), edited(adminKey).map(asHeader), secret).filter((key) => key !== adminKey),
    (key) => ({ key })
  )
  change(400, fc.tuple(unknownName, fc.oneof(text(9), secret)), ([name, value], { query }) =>
    ({ query: { ...query, [name]: value } }))
  for (const [name, [valid, broken]] of Object.entries(query)) {
    change(400, fc.oneof(broken, fc.array(valid, { minLength: 2, maxLength: 3 })), (value, { query }) =>
      ({ query: { ...query, [name]: value } }))
  }
  for (const name of needed) {
    change(400, fc.constant(name), (missing, { query: { [missing]: _, ...query } }) => ({ query }))
  }
  if (path.includes(':')) {
    change(404, near, (other) => ({ id: encodeURIComponent(other) }))
    change(400, fc.constantFrom('%', '%zz', '%e0%a4', `${id}%c0%af`), (id) => ({ id }))
  }
  if (method !== 'GET') {
    change(415, fc.oneof(fc.stringMatching(/^[a-z]{1,9}\/[a-z.+-]{1,9}$/), fc.constantFrom(
      'text/json', 'application/jsonp', 'application/json-patch+json', 'application/x-www-form-urlencoded', 'json'
    )), (type, { body = {} }) => ({ body, type }))
    change(413, fc.integer({ min: 2 ** 17, max: 2 ** 18 }), (length, { body = {} }) =>
      ({ payload: JSON.stringify(body).padEnd(length + 1) }))
    change(400, fc.nat(), (length, { body = {} }) =>
      ({ payload: JSON.stringify(body).slice(0, 1 + length % (JSON.stringify(body).length - 1)) }))
  }
  if (conditional) {
    change(412, fc.array(fc.oneof(
      fc.stringMatching(/^"([1-9]\d{0,9}|0\d|-\d|0[a-z]|[a-z]{0,9}|\xE9)(-\w{1,9})?"$/),
      fc.stringMatching(/^W\/"0(-\w{0,9})?"$/)
    ), { minLength: 1, maxLength: 4 }), (tags) => ({ ifMatch: tags.join(', ') }))
    change(400, fc.oneof(
      fc.constantFrom('0', '"0', '0"', 'w/"0"', '*, "0"', '"0" "0"', '**', ','),
      text(9).map(asHeader).filter((text) => !/["*]/.test(text))
    ), (ifMatch) => ({ ifMatch }))
  }
  if (free !== undefined) {
    change(400, fc.oneof(json.filter((value) => !isObject(value)), free[1]), (value) =>
      ({ payload: JSON.stringify(value) }))
  }
  if (body !== undefined) {
    change(400, json.filter((value) => !isObject(value)), (value) => ({ payload: JSON.stringify(value) }))
    change(400, fc.tuple(unknownName, fc.oneof(json, secret)), ([name, value], { body }) =>
      ({ body: { ...body, [name]: value } }))
    for (const [name, [, broken]] of Object.entries(body)) {
      change(
        400, fc.oneof(broken, broken, name === 'email' ? secret : broken),
        (value, { body }) => ({ body: { ...body, [name]: value } })
      )
    }
    for (const name of required ?? []) {
      change(400, fc.constant(undefined), (value, { body }) => ({ body: { ...body, [name]: value } }))
    }
  }
  return fc.oneof(...kinds)
}
