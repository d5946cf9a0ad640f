// Location and Link through a real nginx that changes the path.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { adminKey, build } from '../support/helpers.js'
import { freePort } from '../support/servers.js'

const program = ['/usr/sbin/nginx', '/usr/bin/nginx', '/opt/homebrew/bin/nginx'].find((path) => existsSync(path))
if (program === undefined && process.env.CI === 'true') throw new Error('nginx is not installed')
const skip = program === undefined && 'nginx is not installed'

const json = { 'content-type': 'application/json' }
const headers = { 'x-admin-api-key': adminKey }

// The path that the client requests for /admin/users of the app.
const paths = {
  'strips a prefix': '/backend/admin/users',
  'renames a prefix': '/people/users',
  'adds a prefix': '/users',
  'passes on paths as they are': '/admin/users'
}

t.test('nginx: Location and Link lead to the user and the next page', { skip }, async (t) => {
  const app = await build(t, {}, { routerOptions: { ignoreTrailingSlash: true } })
  const front = await startNginx(t, await app.listen({ port: 0, host: '127.0.0.1' }))
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
async function startNginx (t: Test, app: string): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'nginx-'))
  mkdirSync(join(directory, 'logs'))
  const port = await freePort()
  const places = Object.entries({ '/backend/': '/', '/people/': '/admin/', '/admin/': '/admin/', '/': '/admin/' })
  writeFileSync(join(directory, 'nginx.conf'), `
    daemon off; worker_processes 1; pid nginx.pid; error_log logs/error.log; events {}
    http {
      access_log off;
      client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
      uwsgi_temp_path uwsgi; scgi_temp_path scgi;
      server {
        listen 127.0.0.1:${port};
        ${places.map(([location, path]) => `location ${location} { proxy_pass ${app}${path}; }`).join('\n        ')}
      }
    }`)
  const nginx = spawn(program as string, ['-p', directory, '-c', join(directory, 'nginx.conf')], {
    stdio: ['ignore', 'inherit', 'inherit']
  })
  const exit = once(nginx, 'exit')
  t.teardown(async () => {
    nginx.kill()
    await exit
    rmSync(directory, { recursive: true, force: true })
  })
  const address = `http://127.0.0.1:${port}`
  for (
    let answers = false; !answers && nginx.exitCode === null; await sleep(20)
  ) answers = await fetch(address).then(() => true, () => false)
  return address
}
