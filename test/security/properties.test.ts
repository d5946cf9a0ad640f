// Properties that hold for generated input. The seed differs in each run. FUZZ_SEED sets the first seed.
// FUZZ_MINUTES repeats the tests with new seeds for that time.
import { deepEqual, doesNotMatch, equal, ok } from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import fc, { type Arbitrary } from 'fast-check'
import t, { type Test } from 'tap'
import { isTokenValue, createTokenValue } from '../../src/services/token-value.js'
import { root } from '../support/child.js'
import { backDoor, emptyPlace, storageAt } from '../support/databases.js'
import { adminKey, build } from '../support/helpers.js'
import { asHeader, broken, character, edited, fields, routes, scopeList, scopes, text, valid } from './generated.js'
import { play, type Act, type Command } from './model.js'

const properties: Array<[title: string, runs: number, make: (t: Test) => Promise<fc.IRawProperty<unknown>>]> = []
const property = (...property: typeof properties[number]) => { properties.push(property) }

// The values of tokens.
const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const prefixes = fc.oneof(fc.constant('vex_'), fc.stringMatching(/^[\w-]{1,32}$/))

function checksum (text: string): string {
  let crc = 0xffffffff
  for (const byte of Buffer.from(text)) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  const sum = (crc ^ 0xffffffff) >>> 0
  return [5, 4, 3, 2, 1, 0].map((power) => digits.charAt(Math.floor(sum / 62 ** power) % 62)).join('')
}

function isToken (value: string, prefix: string): boolean {
  const random = [...value.slice(prefix.length, prefix.length + 30)]
  return random.length === 30 && random.every((c) => digits.includes(c)) &&
    value === prefix + random.join('') + checksum(prefix + random.join(''))
}

property('isTokenValue: accepts only a prefix, 30 characters and their checksum', 2000, async () => {
  const random = fc.oneof(fc.stringMatching(/^[0-9A-Za-z]{30}$/), fc.string({
    unit: fc.oneof({ weight: 30, arbitrary: fc.constantFrom(...digits) }, character), minLength: 28, maxLength: 32
  }))
  const values = fc.tuple(prefixes, random).map(([prefix, random]) => prefix + random + checksum(prefix + random))
  return fc.property(prefixes, prefixes, fc.oneof(values, values.chain(edited), text(50)), (prefix, other, value) => {
    const own = prefix + value.slice(4)
    for (const candidate of [value, own, own.slice(0, -6) + checksum(own.slice(0, -6))]) {
      for (const wanted of [prefix, other, 'vex_']) {
        equal(isTokenValue(candidate, [wanted]), isToken(candidate, wanted), JSON.stringify([candidate, wanted]))
      }
    }
    const created = createTokenValue(prefix)
    ok(isToken(created, prefix) && isTokenValue(created, [other, prefix]), created)
  })
})

/** Returns the one token that the headers of a request name. Values of another form are ignored. */
function tokenIn (keys: string[], authorizations: string[]): string | undefined {
  const [scheme = '', ...rest] = (authorizations[0] ?? '').split(' ')
  const named = new Set(keys.length === 0 ? [] : [keys.join(', ')])
  if (scheme.toLowerCase() === 'bearer') named.add(rest.slice(rest.findIndex((part) => part !== '')).join(' '))
  const [one, another] = [...named].filter((value) => value.split(/[\s,]+/).some((part) => isToken(part, 'vex_')))
  return authorizations.length <= 1 && another === undefined ? one : undefined
}

const header = (name: string, values: string[]) =>
  values.length === 0 ? {} : { [name]: values.length === 1 ? values[0] : values }

property('requireToken: accepts a request that names one valid token, and no other', 1000, async (t) => {
  const app = await build(t)
  app.get('/me', { onRequest: app.vexaAdmin.requireToken() }, async ({ apiUser }) => apiUser.email)
  const owners = new Map<string | undefined, string>()
  for (const email of ['one@x', 'two@x']) {
    owners.set((await app.vexaAdmin.tokens.create((await app.vexaAdmin.users.create({ email })).id)).token, email)
  }
  const [one, two] = [...owners.keys()] as [string, string]
  const value = fc.oneof({
    weight: 5, arbitrary: fc.constantFrom(one, one, two)
  }, fc.oneof(edited(one), fc.constantFrom('', '', `${one}, ${two}`, `"${one}"`, adminKey), text(40)).map(asHeader))
  const scheme = fc.oneof({
    weight: 5, arbitrary: fc.mixedCase(fc.constant('bearer'))
  }, fc.oneof(edited('Bearer'), fc.constantFrom('Basic', 'Token', '', ' Bearer', '"Bearer"')).map(asHeader))
  const space = fc.oneof({
    weight: 5, arbitrary: fc.stringMatching(/^ {1,4}$/)
  }, fc.constantFrom('', '\t', ' \t', '\xa0', ',', '='))
  const end = fc.oneof({
    weight: 9, arbitrary: fc.constant('')
  }, fc.constantFrom(' ', '\t', ',', `, Bearer ${two}`, ` ${one}`))
  const times = (value: Arbitrary<string>) => fc.oneof({
    weight: 9, arbitrary: fc.array(value, { maxLength: 1 })
  }, fc.array(value, { minLength: 2, maxLength: 2 }))
  return fc.asyncProperty(times(
    value
  ), times(fc.tuple(scheme, space, value, end).map((parts) => parts.join(''))), async (keys, authorizations) => {
    const reply = await app.inject({
      url: '/me', headers: { ...header('x-api-key', keys), ...header('authorization', authorizations) }
    })
    const owner = owners.get(tokenIn(keys, authorizations))
    equal(reply.statusCode, owner === undefined ? 401 : 200)
    if (owner !== undefined) equal(reply.body, owner)
    else {
      deepEqual([reply.json().code, /^Bearer realm="api"(, error="invalid_token")?$/.test(
        String(reply.headers['www-authenticate'])
      )], ['VEXA_ADMIN_ERR_INVALID_TOKEN', true])
    }
  })
})

property('admin keys: the routes accept the admin keys only', 8, async (t) => {
  const keyed = fc.uniqueArray(fc.stringMatching(/^[!-+\--~]{16,24}$/), { minLength: 1, maxLength: 3 })
    .chain((keys) => {
      const key = fc.constantFrom(...keys)
      const value = fc.oneof(key, fc.oneof(
        key.chain(edited), text(24),
        fc.constantFrom(
          keys.join(), keys.join(', '), `"${keys[0]}"`, ` ${keys[0]}`, `${keys[0]}\t`, `Bearer ${keys[0]}`
        )
      ).map(asHeader))
      return fc.tuple(fc.constant(keys), fc.array(
        fc.oneof({ weight: 9, arbitrary: fc.array(value, { maxLength: 1 }) }, fc.array(value, { maxLength: 3 })),
        { minLength: 60, maxLength: 60 }
      ))
    })
  return fc.asyncProperty(keyed, async ([keys, requests]) => {
    const app = await build(t, { adminKeys: keys })
    for (const values of requests) {
      const reply = await app.inject({ url: '/admin/users', headers: header('x-admin-api-key', values) })
      const allowed = values.length === 1 && keys.includes(values[0] as string)
      equal(reply.statusCode, allowed ? 200 : 401, JSON.stringify(values))
      deepEqual(reply.json(), allowed
        ? []
        : {
            statusCode: 401,
            code: 'VEXA_ADMIN_ERR_UNAUTHORIZED',
            error: 'Unauthorized',
            message: 'Admin key missing or not valid: send one in the header X-Admin-API-Key'
          })
    }
    await app.close()
  })
})

property('requests: a request with one fault returns 4xx, and changes nothing', 800, async (t) => {
  async function make () {
    const place = emptyPlace(t)
    const app = await build(t, { storage: storageAt(place), scopes, audit: true })
    const { users, tokens } = app.vexaAdmin
    await users.create({ email: 'owner@example.com', name: 'Owner', data: { plan: 'pro' } })
    await users.create({ email: 'other@example.com' })
    const values = [await tokens.create('user-1', {
      scopes: ['bot']
    }), await tokens.create('user-1', { name: 'CI', expires_in: 3600 })].map(({ token }) => token)
    const { db, prefix } = backDoor(t, place)
    const dump = () => Promise.all(['users', 'tokens', 'audit'].map((table) =>
      db.selectFrom(prefix + table).selectAll().orderBy('id').execute()))
    return { app, values, dump, before: await dump() }
  }
  let made = await make()
  const secrets = [adminKey, ...made.values]
  const requests = fc.oneof(
    ...routes.map((route) => fc.tuple(fc.constant(`${route.method} ${route.path}`), broken(route, secrets)))
  )
  return fc.asyncProperty(requests, async ([route, [status, {
    id, query, body, payload = body &&
    JSON.stringify(body), type = 'application/json', ...rest
  }]]) => {
    const [method, path] = route.split(' ') as ['GET', string]
    const key = 'key' in rest ? rest.key : adminKey
    const search = new URLSearchParams(
      Object.entries(query).flatMap(([name, value]) => [value].flat().map((value) => [name, value] as [string, string]))
    )
    const { app, dump, before } = made
    const reply = await app.inject({
      method,
      url: `/admin${path.replace(':id', () => id)}?${search}`,
      headers: {
        ...(key !== undefined && { 'x-admin-api-key': key }),
        ...(payload !== undefined && { 'content-type': type }),
        ...('ifMatch' in rest && { 'if-match': rest.ifMatch })
      },
      ...(payload !== undefined && { payload })
    })
    try {
      equal(reply.statusCode, status, reply.body)
      const said = reply.body + JSON.stringify(reply.headers)
      for (const secret of [...secrets, root]) ok(!said.includes(secret), said)
      doesNotMatch(said, /\b(select|insert|update|delete) .*\b(from|into|set|where)\b|\b(drop|create) table\b/i)
      doesNotMatch(said, /sqlite|vexa_\w*(users|tokens)|\n? +at \S+ \(|node_modules|file:\/\/|\.[jt]s:\d/i)
      const { code, ...error } = reply.json()
      deepEqual([Object.keys(error).sort(), error.statusCode], [['error', 'message', 'statusCode'], status])
      deepEqual(await dump(), before)
    } catch (error) {
      // Undoes the change, so that it cannot affect the simpler requests that follow.
      made = await make()
      throw error
    }
  })
})

const nothing: Arbitrary<unknown> = fc.constant({})
const command = (act: Act, body = nothing, on: Arbitrary<number> = fc.nat(9)): Arbitrary<Command> =>
  fc.record({ act: fc.constant(act), on, body })
const anyTime = fc.integer({ min: Date.UTC(2000, 0, 1), max: Date.UTC(2090, 0, 1) })
const anyCache = fc.constantFrom(undefined, false as const, { ttl: 60_000 })

property('requests: a valid request is accepted, and its values come back', 30, async (t) => {
  const first = fc.constant(0)
  const last = fc.constant(1)
  const { after, ...query } = fields.listUsers
  const found = fields.findTokens
  const show = command('show', undefined, first)
  return fc.asyncProperty(anyTime, anyCache, fc.tuple(
    command('createUser', valid(fields.createUser, ['email'])), show, command('patch', valid(fields.updateUser), first),
    show, command('replaceData', fc.record({ data: fields.updateUser.data[0].map((data) => data ?? {}) }), first), show,
    command('createUser', fc.constant({ email: 'other@example.com' })), command('list', valid(query)),
    command('list', valid({ ...query, after })),
    command('createToken', fc.option(valid(fields.createToken), { nil: undefined }), first),
    command('verify', valid({ scopes: scopeList }), first), command('updateToken', valid(fields.updateToken), first),
    command('verify', valid({ scopes: scopeList }), first), command('findTokens', valid(found)), show,
    command('introspect', valid({ scopes: scopeList }), first),
    command('updateToken', fc.constant({ disabled: false }), first),
    command('rotate', fc.option(valid(fields.rotateToken), { nil: undefined }), first),
    command('verify', valid({ scopes: scopeList }), first), command('verify', valid({ scopes: scopeList }), last), show,
    command('revoke', undefined, last), show, command('revokeAll', undefined, first), show,
    command('delete', undefined, first)
  ), (now, tokenCache, commands) => play(t, now, tokenCache, commands))
})

property('requests: the API agrees with a model after any commands and restarts', 40, async (t) => {
  const some = <T>(value: Arbitrary<T>) => fc.option(value, { nil: undefined })
  const addresses = fc.constantFrom('a@x', 'A@X', 'b@x', 'c@x', '\u00c9@x', 'e\u0301@x', '%_@x')
  const names = fc.constantFrom(null, 'a', 'Ab', '%', '\u00c9', 'A@X')
  const value = fc.oneof(
    fc.constantFrom(null, 1, 'x', {}),
    fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom(null, 2, [null], { c: null }))
  )
  const smallData = fc.dictionary(fc.constantFrom('a', 'b', 'constructor', 'toString'), value, {
    noNullPrototype: true
  })
  const few = fc.integer({ min: 1, max: 5 })
  const soon = fc.integer({ min: -90, max: 5 })
  const tags = fc.constantFrom('*', 'shown', 'replied', 'old', 'weak')
  const someScopes = some(fc.shuffledSubarray(scopes, { minLength: 1, maxLength: 2 }))
  const weighted: Array<[weight: number, Arbitrary<Command>]> = [
    [6, command(
      'createUser',
      fc.record({ email: addresses, name: some(names), max_concurrent_bots: some(few), data: some(smallData) })
    )],
    [4, command('patch', fc.record({
      email: some(addresses),
      name: some(names),
      max_concurrent_bots: some(few),
      disabled: some(fc.boolean()),
      data: some(fc.option(smallData))
    }))],
    [4, command('patch', fc.record({ data: smallData }))], [2, command('patch', fc.record({ disabled: fc.boolean() }))],
    [4, command('patch', fc.record({ name: names, ifMatch: tags }))],
    [4, command('replaceData', fc.record({ data: smallData, ifMatch: some(tags) }))],
    [2, command('edit', fc.record({ name: some(names), email: some(addresses), data: some(fc.option(smallData)) }))],
    [3, command('findOrCreate', fc.record({ email: addresses, name: some(names) }))],
    [1, command('delete', fc.record({ ifMatch: some(tags) }))], [2, command('show')],
    [6, command('createToken', some(fc.record({
      name: some(names), scopes: someScopes, expires_in: some(few), data: some(smallData)
    })))],
    [5, command('updateToken', fc.record({
      name: some(names),
      scopes: fc.option(someScopes),
      disabled: some(fc.boolean()),
      expires_in: some(fc.option(few)),
      data: some(fc.option(smallData))
    }))],
    [3, command('updateToken', fc.record({ disabled: fc.boolean() }))],
    [2, command('updateToken', fc.record({ data: smallData }))], [2, command('showToken')],
    [1, command('revoke')], [1, command('revokeByValue')], [1, command('revokeAll')],
    [6, command('rotate', some(fc.record({ grace_period: some(fc.nat(5)) })))],
    [6, command('verify', fc.record({ scopes: someScopes, touch: some(fc.boolean()) }))],
    [2, command('introspect', fc.record({ scopes: someScopes }))],
    [2, command('prune', fc.integer({ min: -1, max: 5 }))],
    [3, command('listTokens', valid({
      limit: [fc.constantFrom('1', '2'), few], order: fields.listTokens.order, after: [fc.constant('token'), few]
    }))],
    [6, command('findTokens', valid({
      limit: [fc.constantFrom('1', '2', '3'), few],
      after: [fc.constant('token'), few],
      order: fields.findTokens.order,
      search: [fc.constantFrom('a', '%', 'E\u0301', ''), few],
      start: [fc.constantFrom('v', 'vex_', 'x'), few],
      state: fields.findTokens.state,
      unused_since: [soon, few],
      expires_before: [soon, few],
      count: fields.findTokens.count
    }))],
    [5, command('list', valid({
      skip: [fc.constantFrom('0', '1', '2'), few],
      limit: [fc.constantFrom('1', '2', '3'), few],
      after: [fc.constant('user'), few],
      order: fields.listUsers.order,
      search: [fc.constantFrom('a', '%', '_', 'E\u0301', 'X', '@', ''), few],
      disabled: fields.listUsers.disabled,
      count: fields.listUsers.count
    }))],
    [4, command('wait', fc.oneof(fc.nat(5).map((seconds) => seconds * 1000), fc.nat(90_000)))], [2, command('restart')]
  ]
  const commands = fc.array(fc.oneof(...weighted.map(([weight, arbitrary]) => ({ weight, arbitrary }))), {
    minLength: 5, maxLength: 40, size: 'max'
  })
  return fc.asyncProperty(anyTime, anyCache, commands, (now, tokenCache, commands) =>
    play(t, now, tokenCache, commands.map((command) => JSON.parse(JSON.stringify(command)))))
})

const minutes = Number(process.env.FUZZ_MINUTES ?? 0)
const end = performance.now() + minutes * 60_000
t.setTimeout((minutes + 3) * 60_000)
let seed = Number(process.env.FUZZ_SEED ?? randomInt(2 ** 31))
do {
  await t.test(`seed ${seed}`, async (t) => {
    t.comment(`seed ${seed}`)
    for (const [title, numRuns, make] of properties) {
      await t.test(
        title, async (t) => { await fc.assert(await make(t), { seed, numRuns, interruptAfterTimeLimit: 60_000 }) }
      )
    }
  })
  seed = randomInt(2 ** 31)
} while (performance.now() < end && t.passing())
