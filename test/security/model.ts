// A simple model of the API, and a player that compares the API with the model.
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { mock } from 'node:test'
import type { Test } from 'tap'
import { fingerprintAdminKey, normalizeForSearch, type AuditEntry, type VexaAdminOptions } from '../../src/index.js'
import { normalizeEmail } from '../../src/normalize.js'
import { createTokenValue } from '../../src/services/token-value.js'
import { hasValidChecksum } from '../support/checksum.js'
import { emptyPlace, storageAt } from '../support/databases.js'
import { adminKey, build, call, nextOf } from '../support/helpers.js'
import { scopes, type Route } from './generated.js'
import {
  isExpired, keyOf, lacks, merged, reasonOf, seconds, sorted, type KnownToken, type KnownUser
} from './known.js'

export interface Command { act: Act, on: number, body: any }

export type Act = 'createUser' | 'findOrCreate' | 'patch' | 'replaceData' | 'edit' | 'delete' | 'show' |
  'createToken' | 'updateToken' | 'revoke' | 'revokeByValue' | 'revokeAll' | 'rotate' | 'verify' | 'introspect' |
  'showToken' | 'list' | 'listTokens' | 'findTokens' | 'prune' | 'wait' | 'restart'

type Tag = '*' | 'shown' | 'replied' | 'old' | 'weak'

/** Runs commands on an app and on a model of it, and compares the replies. The clock stands still meanwhile. */
export async function play (
  t: Test, now: number, tokenCache: VexaAdminOptions['tokenCache'], commands: Command[]
): Promise<void> {
  const place = emptyPlace(t)
  const users: KnownUser[] = []
  const tokens: KnownToken[] = []
  const trail: object[] = []
  const living = () => users.filter(({ alive }) => alive)
  const tokensOf = (user: KnownUser) => tokens.filter(({ owner, alive }) => owner === user && alive)
  const kill = (...dead: Array<{ alive: boolean }>) => { for (const each of dead) each.alive = false }

  async function start () {
    const app = await build(t, { storage: storageAt(place), scopes, tokenCache, tokenStart: true, audit: true })
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

  /** Notes the entry that a change leaves. Requests have an actor, and calls by the app have none. */
  function noteEntry (action: AuditEntry['action'], userId: string, more: object = {}, actor = true) {
    const entry = { id: `audit-${trail.length + 1}`, at: seconds(0), action, user_id: userId, ...more }
    trail.push(actor ? { ...entry, actor: fingerprintAdminKey(adminKey) } : entry)
  }

  /** Notes the entry of an update, which leaves none if it has no members. */
  function noteUpdate (action: AuditEntry['action'], userId: string, body: object, more: object = {}, actor = true) {
    const changed = Object.entries(body).filter(([, value]) => value !== undefined).map(([name]) => name).sort()
    if (changed.length > 0) noteEntry(action, userId, { ...more, changed }, actor)
  }

  /** Compares the whole audit trail, in one of both orders. */
  async function sameTrail (order: 'asc' | 'desc') {
    const entries: AuditEntry[] = await pagesFrom(`/audit?order=${order}&limit=7`, 7)
    for (const entry of entries) {
      equal(entry.request_id === undefined, entry.actor === undefined)
      delete entry.request_id
      entry.changed?.sort()
    }
    deepEqual(entries, order === 'asc' ? trail : [...trail].reverse())
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

  function rememberToken ({ token: value, ...reply }: any, owner: KnownUser, given: any) {
    const { name, scopes, expires_in: life, disabled, data } = given
    const wire = {
      user_id: owner.wire.id,
      created_at: seconds(0),
      start: value.slice(0, 8),
      ...(name != null && { name }),
      ...(scopes && { scopes }),
      ...(life && { expires_at: seconds(life) }),
      ...(disabled && { disabled }),
      ...(data && { data })
    }
    deepEqual(reply, { id: reply.id, ...wire })
    match(value, /^vex_[0-9A-Za-z]{36}$/)
    ok(hasValidChecksum(value) && keyOf(reply.id) > Math.max(0, ...tokens.map(({ wire }) => keyOf(wire.id))))
    const token: KnownToken = {
      wire: { ...reply, token: '***' }, owner, alive: true, value, life, used: '', kept: ''
    }
    tokens.push(token)
    return token
  }

  function noteUse (token: KnownToken) {
    token.used = seconds(0).replace(/\d\d\.\d{3}Z$/, '00.000Z')
  }

  /** Compares tokens that are shown with their users. */
  function sameFound (found: any[], known: KnownToken[]) {
    sameTokens(found.map(({ user, ...token }) => token), known)
    const users = known.map(({ owner: { wire: { id, email, name } } }) => ({ id, email, name }))
    deepEqual(found.map(({ user }) => user), users)
  }

  /** Follows each `Link` from a URL, and returns the items of all pages. */
  async function pagesFrom (first: string, limit: number, total?: number) {
    const items: any[] = []
    for (let next: string | undefined = first; next !== undefined;) {
      const { json, headers }: Awaited<ReturnType<typeof ask>> = await ask(200, 'GET', next)
      const isFirst: boolean = items.length === 0 && next === first
      equal(headers['x-total-count'], isFirst && total !== undefined ? String(total) : undefined)
      items.push(...json)
      next = nextOf(next, headers.link)
      ok(json.length === limit || (json.length < limit && next === undefined))
      ok(json.length > 0 || isFirst, 'a Link leads to more')
    }
    return items
  }

  const acts: Record<Act, (user: KnownUser, token: KnownToken, body: any) => Promise<unknown>> = {
    async createUser (_user, _token, body) {
      const taken = holderOf(body.email) !== undefined
      const { json, headers } = await ask(taken ? 409 : 201, 'POST', '/users', body)
      if (taken) return
      rememberUser(json, body)
      noteEntry('user.created', json.id)
      equal(headers.location, `users/${json.id}`)
      equal(headers.etag, '"0"')
    },

    async findOrCreate (_user, _token, body) {
      const holder = holderOf(body.email)
      const { user, created } = await app.vexaAdmin.users.findOrCreate(body)
      equal(created, holder === undefined)
      if (holder !== undefined) return deepEqual(user, holder.wire)
      rememberUser(user, body)
      noteEntry('user.created', user.id, {}, false)
    },

    async patch (user, _token, { ifMatch, ...body }) {
      const holder = body.email === undefined ? undefined : holderOf(body.email)
      const taken = holder !== undefined && holder !== user
      const [header, holds] = condition(user, ifMatch)
      const status = !user.alive ? 404 : !holds ? 412 : taken ? 409 : 200
      const { json, headers } = await ask(status, 'PATCH', `/users/${user.wire.id}`, body, header)
      if (status !== 200) return
      noteUpdate('user.updated', user.wire.id, body)
      noteChange(user, { ...body, data: body.data && merged(user.wire.data, body.data) }, headers.etag)
      deepEqual(json, user.wire)
    },

    async replaceData (user, _token, { data, ifMatch }) {
      const [header, holds] = condition(user, ifMatch)
      const status = !user.alive ? 404 : !holds ? 412 : 200
      const { json, headers } = await ask(status, 'PUT', `/users/${user.wire.id}/data`, data, header)
      if (status !== 200) return
      noteUpdate('user.updated', user.wire.id, { data })
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
      noteUpdate('user.updated', user.wire.id, body, {}, false)
      noteChange(user, body)
      deepEqual(edited, user.wire)
    },

    async delete (user, _token, { ifMatch }) {
      const [header, holds] = condition(user, ifMatch)
      const status = !user.alive ? 404 : holds ? 204 : 412
      await ask(status, 'DELETE', `/users/${user.wire.id}`, undefined, header)
      if (status !== 204) return
      noteEntry('user.deleted', user.wire.id)
      kill(user, ...tokensOf(user))
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
      if (!user.alive) return
      rememberToken(json, user, body ?? {})
      noteEntry('token.created', user.wire.id, { token_id: json.id })
    },

    async updateToken (_user, token, body) {
      const status = !token.alive ? 404 : isExpired(token) ? 409 : 200
      const { json } = await ask(status, 'PATCH', `/tokens/${token.wire.id}`, body)
      if (status !== 200) return
      noteUpdate('token.updated', token.owner.wire.id, body, { token_id: token.wire.id })
      const { expires_in: life, data: patch, ...rest } = body
      Object.assign(token.wire, rest, patch !== undefined && { data: merged(token.wire.data, patch) })
      if (life !== undefined) {
        token.life = life ?? undefined
        token.wire.expires_at = life === null ? null : seconds(life)
      }
      for (const [name, value] of Object.entries(token.wire)) {
        if (value === null || (name === 'disabled' && value === false)) delete token.wire[name]
      }
      sameTokens([json], [token])
    },

    async showToken (_user, token) {
      const { json } = await ask(token.alive ? 200 : 404, 'GET', `/tokens/${token.wire.id}`)
      if (token.alive) sameFound([json], [token])
    },

    async revoke (_user, token) {
      await ask(token.alive ? 204 : 404, 'DELETE', `/tokens/${token.wire.id}`)
      if (token.alive) noteEntry('token.revoked', token.owner.wire.id, { token_id: token.wire.id })
      kill(token)
    },

    async revokeByValue (_user, token) {
      const { json } = await ask(200, 'POST', '/revoke', { token: token.value })
      deepEqual(json, {})
      if (token.alive) noteEntry('token.revoked', token.owner.wire.id, { token_id: token.wire.id })
      kill(token)
    },

    async revokeAll (user) {
      await ask(user.alive ? 204 : 404, 'DELETE', `/users/${user.wire.id}/tokens`)
      if (tokensOf(user).length > 0) noteEntry('token.revoked', user.wire.id)
      kill(...tokensOf(user))
    },

    async rotate (_user, token, body) {
      const { successor } = token
      const isRotated = successor?.alive && !isExpired(successor)
      const status = !token.alive ? 404 : isRotated || isExpired(token) ? 409 : 201
      const { json } = await ask(status, 'POST', `/tokens/${token.wire.id}/rotate`, body)
      if (status === 409) equal(json.message.includes(` ${successor?.wire.id}:`), isRotated === true, json.message)
      if (status !== 201) return
      token.successor = rememberToken(json, token.owner, { ...token.wire, expires_in: token.life })
      noteEntry('token.rotated', token.owner.wire.id, { token_id: token.wire.id, successor_id: json.id })
      const grace = body?.grace_period ?? 0
      if (grace === 0) kill(token)
      else if (!(token.wire.expires_at <= seconds(grace))) token.wire.expires_at = seconds(grace)
    },

    async verify (_user, token, { scopes, touch }) {
      const code = reasonOf(token)
      const lacking = lacks(token, scopes)
      const { json } = await ask(200, 'POST', '/tokens/verify', { token: token.value, scopes, touch })
      if (code || lacking) deepEqual(json, { valid: false, code: code ?? 'INSUFFICIENT_SCOPE' })
      else {
        equal(json.valid, true)
        deepEqual(json.user, token.owner.wire)
        if (touch !== false) noteUse(token)
        sameTokens([json.token], [token])
      }
      if (touch === false) return
      const me = await app.inject({ url: '/me', headers: { 'x-api-key': token.value } })
      equal(me.statusCode, code === undefined ? 200 : code.endsWith('DISABLED') ? 403 : 401)
      if (code !== undefined) return
      noteUse(token)
      deepEqual(me.json().user, token.owner.wire)
      sameTokens([me.json().token], [token])
    },

    async introspect (_user, token, { scopes }) {
      const { json } = await ask(200, 'POST', '/introspect', { token: token.value, scope: scopes?.join(' ') })
      if (reasonOf(token) || lacks(token, scopes)) return deepEqual(json, { active: false })
      noteUse(token)
      const { wire, owner } = token
      deepEqual([json.active, json.sub, json.jti, json.scope], [true, owner.wire.id, wire.id, wire.scopes?.join(' ')])
    },

    async listTokens (user, token, { after, ...query }) {
      if (after !== undefined) query.after = token.wire.id
      const url = `/users/${user.wire.id}/tokens?${new URLSearchParams(query)}`
      const list = () => pagesFrom(url, Number(query.limit ?? 1000))
      if (!user.alive) await ask(404, 'GET', url)
      else sameTokens(await list(), sorted(tokensOf(user), query.order, query.after))
    },

    async findTokens (_user, token, { after, ...query }) {
      if (after !== undefined) query.after = after === 'token' ? token.wire.id : after
      for (const name of ['unused_since', 'expires_before']) {
        if (typeof query[name] === 'number') query[name] = seconds(query[name])
      }
      const { limit = 100, order, search = '', start = '', state, unused_since: unused, expires_before: end } = query
      const before = (time: string | undefined, limit: string | undefined) =>
        limit === undefined || (time !== undefined && Date.parse(time) < Date.parse(limit.toUpperCase()))
      const stateOf = (token: KnownToken) => isExpired(token) ? 'expired' : token.wire.disabled ? 'disabled' : 'active'
      const matching = tokens.filter((token) => token.alive && token.wire.start.startsWith(start) &&
        (search === '' || normalizeForSearch(token.wire.name ?? '').includes(normalizeForSearch(search))) &&
        (state === undefined || state === stateOf(token)) && before(token.wire.expires_at, end))
      // `last_used_at` is written late, so that the last use may or may not be known.
      const unusedSince = (use: 'kept' | 'used') =>
        matching.filter((token) => before(token[use] || token.wire.created_at, unused))
      const surely = unusedSince('used')
      const perhaps = unusedSince('kept').filter((token) => !surely.includes(token))
      const total = query.count === 'true' && perhaps.length === 0 ? surely.length : undefined
      if (perhaps.length > 0) delete query.count
      const items = await pagesFrom(`/tokens?${new URLSearchParams(query)}`, Number(limit), total)
      const doubtful = perhaps.map(({ wire }) => wire.id)
      sameFound(items.filter(({ id }) => !doubtful.includes(id)), sorted(surely, order, query.after))
    },

    async prune (_user, _token, ago) {
      const time = seconds(-ago)
      const url = `/tokens?${new URLSearchParams({ state: 'expired', expired_before: time })}`
      const { json } = await ask(ago < 0 ? 400 : 200, 'DELETE', url)
      if (ago < 0) return
      const dead = tokens.filter(({ alive, wire }) => alive && wire.expires_at < time)
      deepEqual(json, { deleted: dead.length })
      kill(...dead)
    },

    async list (user, _token, { after, ...query }) {
      if (after !== undefined) query.after = after === 'user' ? user.wire.id : after
      const { skip = 0, limit = 100, order, search = '', disabled, count } = query
      const needle = normalizeForSearch(search)
      const found = living().filter(({ wire: { email, name, disabled: flag = false } }) =>
        (normalizeForSearch(email).includes(needle) || normalizeForSearch(name ?? '').includes(needle)) &&
        (disabled === undefined || disabled === String(flag)))
      const total = count === 'true' ? found.length : undefined
      const items = await pagesFrom(`/users?${new URLSearchParams(query)}`, Number(limit), total)
      deepEqual(items, sorted(found, order, query.after).slice(Number(skip)).map(({ wire }) => wire))
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
    const nothing: KnownToken = {
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
    await acts.findTokens(nobody, nothing, {})
    for (const token of tokens) {
      await acts.showToken(nobody, token, {})
      await acts.verify(nobody, token, {})
    }
    await acts.list(nobody, nothing, {})
    await sameTrail('asc')
    await sameTrail('desc')
  } finally {
    await app.close()
    mock.timers.reset()
  }
}
