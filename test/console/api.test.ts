import t from 'tap'
import { createApi, pathOf } from '../../src/console/api.js'
import { ServerClock } from '../../src/console/server-clock.js'
import {
  acceptAbsent, ApiError, isAbort, memberFault, readError, rejecterOf, toApiError
} from '../../src/console/api-error.js'

/** Creates an API whose server replies with these responses, one after the other, and records the requests. */
function apiWith (...responses: Array<Response | Error>) {
  const requests: Array<{ url: string } & RequestInit> = []
  const unauthorized: ApiError[] = []
  const clock = new ServerClock(() => 0)
  const api = createApi({
    base: 'https://example.com/some/prefix/admin/',
    readKey: () => requests.length < 10 ? 'secret-key' : '',
    onUnauthorized: (error) => unauthorized.push(error),
    clock,
    async fetch (url, options) {
      requests.push({ url: String(url), ...options })
      const response = responses.shift()
      if (response instanceof Error) throw response
      return response as Response
    }
  })
  return { api, requests, unauthorized, clock }
}

const json = (body: unknown, options?: ResponseInit) => new Response(JSON.stringify(body), options)

t.test('console API: a request goes to the prefix of the page, with the key', async (t) => {
  const headers = { etag: '"7"', link: '<?after=user-9>; rel="next"', 'x-total-count': '12' }
  const { api, requests } = apiWith(json([{ id: 'user-9' }], { headers }))
  const reply = await api('GET', 'users', { query: { search: 'a@b', limit: '50' } })
  t.same(reply, { status: 200, body: [{ id: 'user-9' }], etag: '"7"', next: '?after=user-9', total: 12 })
  t.match(requests, [{
    url: 'https://example.com/some/prefix/admin/users?search=a%40b&limit=50',
    method: 'GET',
    headers: { 'x-admin-api-key': 'secret-key' }
  }])
  t.notOk((requests[0]?.headers as Record<string, string>)['content-type'])
})

t.test('console API: a body is JSON, and a text is sent as it is', async (t) => {
  const { api, requests } = apiWith(json({}), json({}), new Response(null, { status: 204 }))
  await api('PATCH', 'users/user-1', { body: { name: null }, ifMatch: '"3"', signal: new AbortController().signal })
  await api('PUT', 'users/user-1/data', { body: '{"a": 1.0}', ifMatch: null })
  const reply = await api('DELETE', pathOf('users', 'user/1', '/tokens'))
  t.match(requests, [
    { body: '{"name":null}', headers: { 'if-match': '"3"', 'content-type': 'application/json' } },
    { body: '{"a": 1.0}' },
    { url: 'https://example.com/some/prefix/admin/users/user%2F1/tokens' }
  ])
  t.notOk((requests[1]?.headers as Record<string, string>)['if-match'])
  t.match(reply, { status: 204, body: undefined, etag: null, next: undefined, total: undefined })
})

t.test('console API: no key is sent if there is none', async (t) => {
  const { api, requests } = apiWith(...Array.from({ length: 11 }, () => json({})))
  for (let i = 0; i < 11; i++) await api('GET', 'settings')
  t.notOk((requests[10]?.headers as Record<string, string>)['x-admin-api-key'])
})

t.test('console API: an error has status, code, message and the time to wait', async (t) => {
  const { api, unauthorized } = apiWith(
    json({ code: 'VEXA_ADMIN_ERR_STORAGE_UNAVAILABLE', message: 'Storage cannot answer now' },
      { status: 503, headers: { 'retry-after': '3' } }),
    new Response('<h1>Bad Gateway</h1>', { status: 502, statusText: 'Bad Gateway' }),
    new Response('', { status: 503, headers: { 'retry-after': 'Fri, 27 Nov 2026 21:40:33 GMT' } }),
    json(null, { status: 429, headers: { 'retry-after': '0' } }),
    json({ code: 'X', message: 'No' }, { status: 401 })
  )
  const error = () => api('GET', 'users').then(() => t.fail('must fail'), (error) => error)
  t.match(await error(), {
    status: 503, code: 'VEXA_ADMIN_ERR_STORAGE_UNAVAILABLE', message: 'Storage cannot answer now', retryAfter: 3
  })
  t.match(await error(), { status: 502, code: '', message: 'The server replied 502 Bad Gateway' })
  t.match(await error(), { status: 503, retryAfter: 5 }, 'a date is not read')
  t.match(await error(), { status: 429, retryAfter: 1 })
  t.equal(unauthorized.length, 0)
  t.match(await error(), { status: 401, message: 'No' })
  t.match(unauthorized, [{ status: 401 }])
})

t.test('console API: a failed connection is an error with status 0, but a cancelled request is not', async (t) => {
  const abort = Object.assign(new Error('aborted'), { name: 'AbortError' })
  const { api } = apiWith(new TypeError('Failed to fetch'), abort)
  const fail = () => api('GET', 'users').then(() => t.fail('must fail'), (error) => error)
  t.match(await fail(), { status: 0, retryAfter: 5 })
  t.equal(await fail(), abort)
  t.equal(isAbort(abort), true)
  t.equal(isAbort(new Error('x')), false)
})

t.test('console API: a reply that breaks off or is not JSON is an error', async (t) => {
  const broken = new ReadableStream({ start: (controller) => controller.error(new TypeError('network error')) })
  const { api } = apiWith(new Response(broken), new Response('<h1>Sign in</h1>'))
  const fail = () => api('GET', 'users').then(() => t.fail('must fail'), (error) => error)
  t.match(await fail(), { status: 0, retryAfter: 5 })
  t.match(await fail(), { status: 200, message: 'The reply is not from the API', retryAfter: undefined })
})

t.test('console API: each reply sets the clock, also one with an error', async (t) => {
  const date = (time: string) => ({ headers: { date: `Sat, 28 Nov 2026 ${time} GMT` } })
  const { api, clock } = apiWith(json({}, date('10:00:00')), json({}, { status: 404, ...date('11:00:00') }))
  await api('GET', 'settings')
  t.equal(clock.now(), Date.parse('2026-11-28T10:00:00Z'))
  await t.rejects(api('GET', 'users/user-1'), new ApiError(404, 'The server replied 404'))
  t.equal(clock.now(), Date.parse('2026-11-28T11:00:00Z'))
})

t.test('console API: a late 401 to an earlier key says nothing about the current one', async (t) => {
  let key = 'earlier-key'
  const unauthorized: ApiError[] = []
  const api = createApi({
    base: 'https://example.com/admin/',
    readKey: () => key,
    onUnauthorized: (error) => unauthorized.push(error),
    clock: new ServerClock(),
    fetch: async () => json({ message: 'No' }, { status: 401 })
  })
  const late = api('GET', 'users')
  key = 'current-key'
  await t.rejects(late, new ApiError(401, 'No'))
  t.equal(unauthorized.length, 0)
  await t.rejects(api('GET', 'users'), new ApiError(401, 'No'))
  t.equal(unauthorized.length, 1)
})

t.test('console API: a deletion of something absent has succeeded', async (t) => {
  t.doesNotThrow(() => acceptAbsent(new ApiError(404, 'User not found')))
  const error = new ApiError(503, 'Storage cannot answer now')
  t.throws(() => acceptAbsent(error), error)
})

t.test('console API: any thrown value becomes an ApiError', async (t) => {
  const error = new ApiError(404, 'User not found')
  t.equal(toApiError(error), error)
  t.match(toApiError(new Error('x')), { status: 0, message: 'Error: x' })
})

t.test('console API: a 401 tells whether a key, the app or the host rejects the request', async (t) => {
  const code = 'VEXA_ADMIN_ERR_UNAUTHORIZED'
  const challenge = { 'www-authenticate': 'ApiKey realm="admin", header="X-Admin-API-Key"' }
  for (const [body, headers, expected] of [
    [{ code, message: 'Admin key missing or not valid: send one in the header X-Admin-API-Key' }, challenge, 'key'],
    [{ error: 'The app has its own errors' }, challenge, 'key'],
    [{ code, message: 'This app does not accept the request as one from an admin' }, challenge, 'app'],
    [{ message: 'Your session has expired' }, {}, 'host'],
    ['<h1>Sign in</h1>', { 'www-authenticate': 'Basic realm="proxy"' }, 'host']
  ] as const) {
    const error = await readError(json(body, { status: 401, headers }))
    t.equal(rejecterOf(error), expected)
  }
})

t.test('console API: an error about a member of the body names it', async (t) => {
  const advice = 'Expected an e-mail address'
  t.same(memberFault(new ApiError(400, `body/email ${advice}`)), { member: 'email', advice })
  t.same(memberFault(new ApiError(400, `body/scopes/0 ${advice}`)), { member: 'scopes', advice })
  t.same(memberFault(new ApiError(409, advice, { code: 'VEXA_ADMIN_ERR_EMAIL_TAKEN' })), { member: 'email', advice })
  t.equal(memberFault(new ApiError(400, 'querystring/x Unexpected property')), undefined)
})
