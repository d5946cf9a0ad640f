// A simple model of the API, and a player that compares the API with the model.
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { mock } from 'node:test'
import type { Test } from 'tap'
import { normalizeForSearch } from '../../src/index.js'
import { normalizeEmail } from '../../src/normalize.js'
import { createTokenValue } from '../../src/services/token-value.js'
import { hasValidChecksum } from '../support/checksum.js'
import { emptyPlace, storageAt } from '../support/databases.js'
import { build, call, nextOf } from '../support/helpers.js'
import { isObject, scopes, type Route } from './generated.js'

export interface Command { act: Act, on: number, body: any }

export type Act = 'createUser' | 'findOrCreate' | 'patch' | 'replaceData' | 'edit' | 'delete' | 'show' |
  'createToken' | 'revoke' | 'revokeAll' | 'rotate' | 'verify' | 'list' | 'wait' | 'restart'

interface KnownUser {
  wire: any
  alive: boolean
  /** The current tag without a hash. */
  tag: string
  /** The last tag that was replaced. */
  oldTag: string
}

type Tag = '*' | 'shown' | 'replied' | 'old' | 'weak'

interface KnownToken {
  wire: any
  owner: KnownUser
  alive: boolean
  value: string
  /** Lifetime in seconds. */
  life: number | undefined
  /** The last use. */
  used: string
  /** The last use before the last restart. */
  kept: string
}

/** Returns the key of an id, or NaN if the id is not one of this storage. */
const keyOf = (id: string) => Number(/^(?:user|token)-([1-9]\d{0,14})$/.exec(id)?.[1])
const seconds = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString()

/** Merges by the algorithm of RFC 7396. */
function merged (target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const members = new Map(Object.entries(isObject(target) ? target : {}))
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) members.delete(name)
    else members.set(name, merged(members.get(name), value))
  }
  return Object.fromEntries(members)
}

/** Runs commands on an app and on a model of it, and compares the replies. The clock stands still meanwhile. */
export async function play (t: Test, now: number, tokenCacheTtl: number, commands: Command[]): Promise<void> {
  const place = emptyPlace(t)
  const users: KnownUser[] = []
  const tokens: KnownToken[] = []
  const living = () => users.filter(({ alive }) => alive)
  const tokensOf = (user: KnownUser) => tokens.filter(({ owner, alive }) => owner === user && alive)
  const kill = (...dead: Array<{ alive: boolean }>) => { for (const each of dead) each.alive = false }

  async function start () {
    const app = await build(t, { storage: storageAt(place), scopes, tokenCacheTtl })
    app.get('/me', {
      onRequest: app.vexaAdmin.requireToken()
    }, async ({ apiUser, apiToken }) => ({ user: apiUser, token: apiToken }))
    return app
  }

  async function ask (
    status: number, method: Route['method'], path: string, body?: object, ifMatch?: string | undefined
  ) {
    const reply = await call(app, method, `/admin${path}`, {
      ...body !== undefined && { payload: JSON.stringify(body) },
      headers: {
        ...body !== undefined && { 'content-type': 'application/json' },
        ...ifMatch !== undefined && { 'if-match': ifMatch }
      }
    })
    equal(reply.statusCode, status, `${method} ${path}: ${reply.body}`)
    return { headers: reply.headers, json: reply.body === '' ? undefined : reply.json() }
  }

  /** Compares tokens. `last_used_at` is written late: it lies between the last restart and the last use. */
  function sameTokens (replied: any[], known: KnownToken[]) {
    deepEqual(replied.map(({ last_used_at: _, ...rest }) => rest), known.map(({ wire }) => wire))
    for (const [i, { kept, used }] of known.entries()) {
      const { last_used_at: last = '' } = replied[i]
      ok(last >= kept && last <= used, `used ${last}, not from ${kept} to ${used}`)
    }
  }

  function rememberUser (reply: any, body: any) {
    const wire = {
      id: reply.id,
      email: normalizeEmail(body.email),
      name: body.name ?? null,
      max_concurrent_bots: body.max_concurrent_bots ?? 3,
      created_at: seconds(0),
      ...(body.data && { data: body.data })
    }
    deepEqual(reply, wire)
    ok(keyOf(reply.id) > Math.max(0, ...users.map(({ wire }) => keyOf(wire.id))))
    users.push({ wire, alive: true, tag: '"0"', oldTag: '"none"' })
  }

  const holderOf = (email: string) => living().find(({ wire }) => wire.email === normalizeEmail(email))

  /** Returns the tags of an `If-Match`, and whether a change with it is made. */
  function condition (user: KnownUser, tag: Tag | undefined): [header: string | undefined, holds: boolean] {
    if (tag === undefined) return [undefined, true]
    const headers = {
      '*': '*', shown: user.tag.replace(/"$/, '-hash"'), replied: user.tag, old: user.oldTag, weak: `W/${user.tag}`
    }
    return [headers[tag], !['old', 'weak'].includes(tag)]
  }

  /** Notes that a change of the user was made. `data` replaces the known data. */
  function noteChange (user: KnownUser, { data, email, disabled, ...rest }: any, etag?: unknown) {
    user.oldTag = user.tag
    user.tag = `"${Number(user.tag.slice(1, -1)) + 1}"`
    if (etag !== undefined) equal(etag, user.tag)
    Object.assign(
      user.wire, rest, email !== undefined && { email: normalizeEmail(email) }, disabled && { disabled },
      data && { data }
    )
    if (disabled === false) delete user.wire.disabled
    if (data === null) delete user.wire.data
  }

  function rememberToken ({ token: value, ...reply }: any, owner: KnownUser, { name, scopes, expires_in: life }: any) {
    const wire = {
      user_id: owner.wire.id,
      created_at: seconds(0),
      ...(name != null && { name }),
      ...(scopes && { scopes }),
      ...(life && { expires_at: seconds(life) })
    }
    deepEqual(reply, { id: reply.id, ...wire })
    match(value, /^vex_[0-9A-Za-z]{36}$/)
    ok(hasValidChecksum(value) && keyOf(reply.id) > Math.max(0, ...tokens.map(({ wire }) => keyOf(wire.id))))
    tokens.push({ wire: { ...reply, token: '***' }, owner, alive: true, value, life, used: '', kept: '' })
  }

  const acts: Record<Act, (user: KnownUser, token: KnownToken, body: any) => Promise<unknown>> = {
    async createUser (_user, _token, body) {
      const taken = holderOf(body.email) !== undefined
      const { json, headers } = await ask(taken ? 409 : 201, 'POST', '/users', body)
      if (taken) return
      rememberUser(json, body)
      equal(headers.location, `users/${json.id}`)
      equal(headers.etag, '"0"')
    },

    async findOrCreate (_user, _token, body) {
      const holder = holderOf(body.email)
      const { user, created } = await app.vexaAdmin.users.findOrCreate(body)
      equal(created, holder === undefined)
      if (holder === undefined) rememberUser(user, body)
      else deepEqual(user, holder.wire)
    },

    async patch (user, _token, { ifMatch, ...body }) {
      const holder = body.email === undefined ? undefined : holderOf(body.email)
      const taken = holder !== undefined && holder !== user
      const [header, holds] = condition(user, ifMatch)
      const status = !user.alive ? 404 : !holds ? 412 : taken ? 409 : 200
      const { json, headers } = await ask(status, 'PATCH', `/users/${user.wire.id}`, body, header)
      if (status !== 200) return
      noteChange(user, { ...body, data: body.data && merged(user.wire.data, body.data) }, headers.etag)
      deepEqual(json, user.wire)
    },

    async replaceData (user, _token, { data, ifMatch }) {
      const [header, holds] = condition(user, ifMatch)
      const status = !user.alive ? 404 : !holds ? 412 : 200
      const { json, headers } = await ask(status, 'PUT', `/users/${user.wire.id}/data`, data, header)
      if (status !== 200) return
      noteChange(user, { data }, headers.etag)
      deepEqual(json, user.wire)
    },

    async edit (user, _token, body) {
      const holder = body.email === undefined ? undefined : holderOf(body.email)
      const editing = app.vexaAdmin.users.edit(user.wire.id, (given) => {
        deepEqual(given, user.wire)
        return body
      })
      const failure = !user.alive ? 404 : holder !== undefined && holder !== user ? 409 : undefined
      if (failure !== undefined) return await rejects(editing, { statusCode: failure })
      const edited = await editing
      noteChange(user, body)
      deepEqual(edited, user.wire)
    },

    async delete (user, _token, { ifMatch }) {
      const [header, holds] = condition(user, ifMatch)
      const status = !user.alive ? 404 : holds ? 204 : 412
      await ask(status, 'DELETE', `/users/${user.wire.id}`, undefined, header)
      if (status === 204) kill(user, ...tokensOf(user))
    },

    async show (user) {
      for (const path of [user.wire.id, `email/${encodeURIComponent(user.wire.email)}`]) {
        // Another user may have the address of a deleted user.
        if (!user.alive && path !== user.wire.id) continue
        const { json, headers } = await ask(user.alive ? 200 : 404, 'GET', `/users/${path}`)
        if (!user.alive) continue
        ok(String(headers.etag).startsWith(user.tag.replace(/"$/, '-')), `${headers.etag}`)
        const { api_tokens: shown, ...rest } = json
        deepEqual(rest, user.wire)
        sameTokens(shown, tokensOf(user))
      }
      const { json } = await ask(user.alive ? 200 : 404, 'GET', `/users/${user.wire.id}/tokens`)
      if (user.alive) sameTokens(json, tokensOf(user))
    },

    async createToken (user, _token, body) {
      const { json } = await ask(user.alive ? 201 : 404, 'POST', `/users/${user.wire.id}/tokens`, body)
      if (user.alive) rememberToken(json, user, body ?? {})
    },

    async revoke (_user, token) {
      await ask(token.alive ? 204 : 404, 'DELETE', `/tokens/${token.wire.id}`)
      kill(token)
    },

    async revokeAll (user) {
      await ask(user.alive ? 204 : 404, 'DELETE', `/users/${user.wire.id}/tokens`)
      kill(...tokensOf(user))
    },

    async rotate (_user, token, body) {
      const status = !token.alive ? 404 : token.wire.expires_at <= seconds(0) ? 409 : 201
      const { json } = await ask(status, 'POST', `/tokens/${token.wire.id}/rotate`, body)
      if (status !== 201) return
      rememberToken(json, token.owner, { ...token.wire, expires_in: token.life })
      const grace = body?.grace_period ?? 0
      if (grace === 0) kill(token)
      else if (!(token.wire.expires_at <= seconds(grace))) token.wire.expires_at = seconds(grace)
    },

    async verify (_user, token, { scopes }) {
      const lacking = token.wire.scopes !== undefined &&
        scopes?.some((scope: string) => !token.wire.scopes.includes(scope))
      const code = !token.alive
        ? 'NOT_FOUND'
        : token.wire.expires_at <= seconds(0) ? 'EXPIRED' : token.owner.wire.disabled ? 'DISABLED' : undefined
      const { json } = await ask(200, 'POST', '/tokens/verify', { token: token.value, scopes })
      const me = await app.inject({ url: '/me', headers: { 'x-api-key': token.value } })
      equal(me.statusCode, code === undefined ? 200 : code === 'DISABLED' ? 403 : 401)
      for (const verified of [code === undefined && !lacking
        ? json
        : undefined, code === undefined ? me.json() : undefined]) {
        if (verified === undefined) continue
        deepEqual(verified.user, token.owner.wire)
        token.used = seconds(0).replace(/\d\d\.\d{3}Z$/, '00.000Z')
        sameTokens([verified.token], [token])
      }
      if (code || lacking) deepEqual(json, { valid: false, code: code ?? 'INSUFFICIENT_SCOPE' })
      else equal(json.valid, true)
    },

    async list (user, _token, { after, ...query }) {
      if (after !== undefined) query.after = after === 'user' ? user.wire.id : after
      const { skip = 0, limit = 100, order = 'asc', search = '', disabled, count } = query
      const needle = normalizeForSearch(search)
      const found = living().map(({ wire }) => wire).filter(({ email, name, disabled: flag = false }) =>
        (normalizeForSearch(email).includes(needle) || normalizeForSearch(name ?? '').includes(needle)) &&
        (disabled === undefined || disabled === String(flag)))
      const direction = order === 'asc' ? 1 : -1
      const expected = found.sort((a, b) => direction * (keyOf(a.id) - keyOf(b.id))).filter(({ id }) =>
        after === undefined || direction * (keyOf(id) - keyOf(query.after)) > 0).slice(Number(skip))
      let next: string | undefined = `/users?${new URLSearchParams(query)}`
      for (let from = 0; next !== undefined; from += Number(limit)) {
        const { json, headers }: Awaited<ReturnType<typeof ask>> = await ask(200, 'GET', next)
        deepEqual(json, expected.slice(from, from + Number(limit)))
        equal(headers['x-total-count'], count === 'true' && from === 0 ? String(found.length) : undefined)
        next = nextOf(next, headers.link)
        equal(next !== undefined, expected.length > from + Number(limit), `link: ${headers.link}`)
      }
    },

    async wait (_user, _token, milliseconds) {
      mock.timers.tick(milliseconds)
    },

    async restart () {
      await app.close()
      for (const token of tokens) token.kept = token.used
      app = await start()
    }
  }

  mock.timers.enable({ apis: ['Date'], now })
  let app = await start()
  try {
    const nobody = { wire: { id: 'user-1', email: 'a@x' }, alive: false, tag: '"0"', oldTag: '"none"' }
    const nothing = {
      wire: { id: 'token-1' },
      owner: nobody,
      alive: false,
      value: createTokenValue('vex_'),
      life: undefined,
      used: '',
      kept: ''
    }
    for (const { act, on, body } of commands) {
      await acts[act](users[on % users.length] ?? nobody, tokens[on % tokens.length] ?? nothing, body)
    }
    for (const user of users) await acts.show(user, nothing, {})
    for (const token of tokens) await acts.verify(nobody, token, {})
    await acts.list(nobody, nothing, {})
  } finally {
    await app.close()
    mock.timers.reset()
  }
}
