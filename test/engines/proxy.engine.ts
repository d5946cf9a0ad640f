// Location and Link through a real nginx that changes the path.
import t, { type Test } from 'tap'
import { adminKey, build } from '../support/helpers.js'
import { skipNginx, startNginx } from '../support/nginx.js'
import { freePort } from '../support/servers.js'

const json = { 'content-type': 'application/json' }
const headers = { 'x-admin-api-key': adminKey }

// The path that the client requests for /admin/users of the app.
const paths = {
  'strips a prefix': '/backend/admin/users',
  'renames a prefix': '/people/users',
  'adds a prefix': '/users',
  'passes on paths as they are': '/admin/users'
}

t.test('nginx: Location and Link lead to the user and the next page', { skip: skipNginx }, async (t) => {
  const app = await build(t, {}, { routerOptions: { ignoreTrailingSlash: true } })
  const front = await startProxy(t, await app.listen({ port: 0, host: '127.0.0.1' }))
  const ask = async (url: string | URL, init: RequestInit = {}) => {
    const reply = await fetch(url, { ...init, headers: { ...headers, ...init.headers } })
    return {
      ok: reply.ok,
      url: reply.url,
      location: reply.headers.get('location'),
      link: reply.headers.get('link'),
      body: await reply.json() as any
    }
  }

  const emails: string[] = []
  for (const [name, path] of Object.entries(paths)) {
    for (const url of [front + path, `${front}${path}/`]) {
      const email = `${emails.length}@example.com`
      const { url: requested, location } = await ask(url, {
        method: 'POST', headers: json, body: JSON.stringify({ email })
      })
      t.match(
        await ask(new URL(String(location), requested)), { ok: true, body: { email, api_tokens: [] } },
        `nginx ${name}: POST ${url}`
      )
      emails.push(email)
    }
  }
  for (const [name, path] of Object.entries(paths)) {
    for (const url of [front + path, `${front}${path}/`]) {
      const found: string[] = []
      for (let next: URL | undefined = new URL('?limit=3&search=EXAMPLE.com', url); next !== undefined;) {
        const page: Awaited<ReturnType<typeof ask>> = await ask(next)
        found.push(...page.body.map((user: { email: string }) => user.email))
        const [, reference] = /^<(.*)>; rel="next"$/.exec(page.link ?? '') ?? []
        next = reference === undefined ? undefined : new URL(reference, page.url)
      }
      t.same(found, emails, `nginx ${name}: GET ${url}`)
    }
  }
})

/** Starts an nginx in front of the app, and returns its address. */
async function startProxy (t: Test, app: string): Promise<string> {
  const port = await freePort()
  const places = Object.entries({ '/backend/': '/', '/people/': '/admin/', '/admin/': '/admin/', '/': '/admin/' })
  return startNginx(t, port, `server {
    listen 127.0.0.1:${port};
    ${places.map(([location, path]) => `location ${location} { proxy_pass ${app}${path}; }`).join('\n    ')}
  }`)
}
