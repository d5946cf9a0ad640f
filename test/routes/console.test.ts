import { createServer, request, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import compress from '@fastify/compress'
import helmet from '@fastify/helmet'
import swagger from '@fastify/swagger'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import t, { type Test } from 'tap'
import { vexaAdmin } from '../../src/index.js'
import { readConsoleFiles } from '../../src/routes/console-files.js'
import { emptyStorage } from '../support/databases.js'
import { adminKey, build } from '../support/helpers.js'

const files = await readConsoleFiles()

const expectedHeaders = {
  'content-security-policy': "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-cache'
}

interface Reply {
  status: number | undefined
  headers: IncomingHttpHeaders
  body: Buffer
}

/** Listens on a free port, and returns the address. */
async function listen (app: FastifyInstance): Promise<string> {
  return await app.listen({ port: 0, host: '127.0.0.1' })
}

/** Sends a request whose path stays as it is. */
function send (url: string, path: string, { method = 'GET', headers = {} } = {}): Promise<Reply> {
  const { port } = new URL(url)
  return new Promise((resolve, reject) => {
    request({ port, host: '127.0.0.1', path, method, headers }, (reply) => {
      buffer(reply).then((body) => resolve({ status: reply.statusCode, headers: reply.headers, body }), reject)
    }).on('error', reject).end()
  })
}

/**
 * Opens the page as a browser does: follows redirects, loads each file that the page names, and requests the settings
 * by a URL that is relative to the page. Returns the path of the page.
 */
async function open (t: Test, url: string, path: string): Promise<string> {
  const page = await fetch(url + path)
  const html = await page.text()
  t.same([page.status, html], [200, files[0]?.content.toString()], path)
  const named = [...html.matchAll(/(?:src|href)="([\w.-]+)"/g)].map(([, name = '']) => name)
  t.same(named.sort(), ['console.css', 'console.js'])
  for (const name of named) {
    const file = files.find(({ path }) => path === `/${name}`)
    const reply = await fetch(new URL(name, page.url))
    t.same([reply.status, reply.headers.get('content-type')], [200, file?.type], reply.url)
    t.same(Buffer.from(await reply.arrayBuffer()), file?.content)
  }
  const settings = await fetch(new URL('../settings', page.url), { headers: { 'x-admin-api-key': adminKey } })
  t.equal(settings.status, 200, settings.url)
  t.equal((await fetch(new URL('../settings', page.url))).status, 401)
  return new URL(page.url).pathname
}

t.test('console: the page, its files and the API work under any prefix', async (t) => {
  for (const [outer, prefix] of [
    ['', '/admin'], ['', ''], ['', '/a/b/c'], ['/api', '/admin'], ['/api/', '/admin'], ['/', '']
  ] as const) {
    const app = Fastify()
    t.teardown(() => app.close())
    await app.register(async (scope) => {
      await scope.register(vexaAdmin, { adminKeys: adminKey, storage: emptyStorage(t), prefix, console: true })
    }, { prefix: outer })
    const url = await listen(app)
    const page = `${outer.replace(/\/$/, '')}${prefix}/console/`
    t.equal(await open(t, url, page), page)
    t.equal(await open(t, url, page.slice(0, -1)), page)
    t.equal(await open(t, url, `${page.slice(0, -1)}?a=/`), page)
  }
})

t.test('console: the page has exactly one slash at its end whatever the router accepts', async (t) => {
  const all = { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, caseSensitive: false }
  for (const [server, path, page] of [
    [{ routerOptions: { ignoreTrailingSlash: true } }, '/admin/console', '/admin/console/'],
    [{ ignoreTrailingSlash: true }, '/admin/console', '/admin/console/'],
    [{ routerOptions: { ignoreTrailingSlash: true } }, '/admin/console/', '/admin/console/'],
    [{ routerOptions: { useSemicolonDelimiter: true } }, '/admin/console;a=1', '/admin/console/'],
    [{ routerOptions: { ignoreDuplicateSlashes: true } }, '/admin/console//', '/admin/console/'],
    [{ routerOptions: all }, '/admin/console///', '/admin/console/'],
    [{ routerOptions: all }, '//ADMIN//console//', '//ADMIN//console/'],
    [{ routerOptions: all }, '/Admin/Console', '/Admin/console/'],
    [{ rewriteUrl: ({ url = '' }) => url.replace('/ops', '/admin') }, '/ops/console', '/ops/console/']
  ] as Array<[FastifyServerOptions, string, string]>) {
    const url = await listen(await build(t, { console: true }, server))
    t.equal(await open(t, url, path), page)
  }
})

t.test('console: works after a proxy that strips, adds or renames a path', async (t) => {
  const app = await listen(await build(t, { console: true }))
  for (const [path, toApp] of [
    ['/shop/admin/console', (path: string) => path.replace(/^\/shop/, '')],
    ['/console', (path: string) => `/admin${path}`],
    ['/operators/console', (path: string) => path.replace(/^\/operators/, '/admin')]
  ] as const) {
    const proxy = createServer(({ url = '', method, headers }, reply) => {
      request(app, { path: toApp(url), method, headers }, (fromApp) => {
        reply.writeHead(Number(fromApp.statusCode), fromApp.headers)
        fromApp.pipe(reply)
      }).end()
    }).listen(0, '127.0.0.1')
    t.teardown(() => proxy.close())
    await new Promise((resolve) => proxy.once('listening', resolve))
    t.equal(await open(t, `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, path), `${path}/`)
  }
})

t.test('console: each reply has the headers that protect the page', async (t) => {
  const url = await listen(await build(t, { console: true }))
  for (const path of ['', ...files.map(({ path }) => path)]) {
    const reply = await send(url, `/admin/console${path}`)
    t.match(reply.headers, expectedHeaders, path)
    t.equal(reply.headers.location, path === '' ? 'console/' : undefined)
    const head = await send(url, `/admin/console${path}`, { method: 'HEAD' })
    const { date, ...others } = reply.headers
    t.match(head, { status: reply.status, headers: others, body: { length: 0 } }, 'HEAD')
  }
})

t.test('console: If-None-Match gets 304 when it names the current file', async (t) => {
  const url = await listen(await build(t, { console: true }))
  for (const { path } of files) {
    const { headers: { etag = '' } } = await send(url, `/admin/console${path}`)
    t.match(etag, /^W\/"[\w-]{22}"$/)
    for (const [named, status] of [
      [etag, 304], [etag.slice(2), 304], [`"other", ${etag}`, 304], ['*', 304], ['"other"', 200], ['', 200],
      [etag.slice(0, -1), 200]
    ] as const) {
      for (const method of ['GET', 'HEAD']) {
        const reply = await send(url, `/admin/console${path}`, { method, headers: { 'if-none-match': named } })
        t.equal(reply.status, status, `${method} ${path} ${named}`)
        t.match(reply.headers, { ...expectedHeaders, etag })
        if (status === 304) t.equal(reply.body.length, 0)
      }
    }
  }
  t.equal((await send(url, '/admin/console', { headers: { 'if-none-match': '*' } })).status, 302)
})

t.test('console: the files need no key, and nothing else does without one', async (t) => {
  const all = { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, caseSensitive: false }
  for (const routerOptions of [{}, all]) {
    const app = await build(t, { console: true }, { routerOptions })
    await app.vexaAdmin.users.create({ email: 'jane@example.com' })
    const url = await listen(app)
    for (const path of [
      '/../users', '/..%2fusers', '/..%2Fusers', '/%2e%2e/users', '/%2e%2e%2fusers', '/./../users', '/..;/users',
      '/..//users', '/..\\users', '/%252e%252e/users', '%2f..%2fusers', '/console.js/../../users', '/users',
      '/settings', '/index.html', '/LICENSE-preact', '/../../package.json', '/..%2f..%2fpackage.json', '/%2e',
      '/console.js%00', '/console%2ejs/..', '.js', '/*'
    ]) {
      for (const headers of [{}, { 'x-admin-api-key': adminKey }]) {
        const reply = await send(url, `/admin/console${path}`, { headers })
        t.equal(reply.status, 404, path)
        t.notMatch(reply.body.toString(), /jane@|fastify-vexa-admin|<html/)
      }
    }
    const ofApi = ['/users', '/users/', '/settings', '/audit', '/console/../users', '//users', '/users/console/']
    for (const path of ofApi) {
      const reply = await send(url, `/admin${path}`)
      t.ok([401, 404].includes(Number(reply.status)), `${path} ${reply.status}`)
      t.notMatch(reply.body.toString(), /jane@/)
    }
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      t.equal((await send(url, '/admin/console/', { method })).status, 404)
    }
  }
})

t.test('console: a scope with requireToken or a strict authorize serves the files', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(async (scope) => {
    await scope.register(async (inner) => {
      await inner.register(vexaAdmin, { authorize: () => false, storage: emptyStorage(t), console: true })
    })
  })
  t.equal((await send(await listen(app), '/admin/console/')).status, 200)
  t.equal((await app.inject('/admin/settings')).statusCode, 401)

  const guarded = Fastify()
  t.teardown(() => guarded.close())
  guarded.addHook('onRequest', async (request, reply) => guarded.vexaAdmin.requireToken()(request, reply))
  await guarded.register(vexaAdmin, { adminKeys: adminKey, storage: emptyStorage(t), console: true })
  guarded.get('/me', async () => 'me')
  const url = await listen(guarded)
  await open(t, url, '/admin/console')
  t.equal((await send(url, '/me')).status, 401)
  t.equal((await send(url, '/admin/console/nothing')).status, 401)
})

t.test('console: @fastify/helmet of the app neither weakens nor breaks the page', async (t) => {
  for (const before of [true, false]) {
    const app = Fastify()
    t.teardown(() => app.close())
    const lax = {
      enableCSPNonces: true,
      contentSecurityPolicy: { directives: { defaultSrc: ['*'], scriptSrc: ["'none'"] } },
      crossOriginOpenerPolicy: { policy: 'unsafe-none' },
      crossOriginResourcePolicy: { policy: 'cross-origin' },
      referrerPolicy: { policy: 'unsafe-url' }
    } as const
    if (before) await app.register(helmet, lax)
    await app.register(vexaAdmin, { adminKeys: adminKey, storage: emptyStorage(t), console: true })
    if (!before) await app.register(helmet, lax)
    app.get('/', async () => 'home')
    const url = await listen(app)
    t.match((await send(url, '/')).headers, {
      'content-security-policy': /default-src \*/,
      'referrer-policy': 'unsafe-url'
    })
    for (const path of ['', ...files.map(({ path }) => path)]) {
      t.match((await send(url, `/admin/console${path}`)).headers, expectedHeaders)
    }
    await open(t, url, '/admin/console')
  }
})

t.test('console: @fastify/compress of the app compresses the files', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(compress, { threshold: 0 })
  await app.register(vexaAdmin, { adminKeys: adminKey, storage: emptyStorage(t), console: true })
  const url = await listen(app)
  for (const { path, content, etag } of files) {
    for (const encoding of ['gzip', 'br', 'identity']) {
      const reply = await fetch(`${url}/admin/console${path}`, { headers: { 'accept-encoding': encoding } })
      t.same(Buffer.from(await reply.arrayBuffer()), content, `${encoding} ${path}`)
      t.equal(reply.headers.get('content-encoding'), encoding === 'identity' ? null : encoding)
      t.equal(reply.headers.get('etag'), etag)
    }
    const headers = { 'accept-encoding': 'gzip', 'if-none-match': etag }
    t.match(await send(url, `/admin/console${path}`, { headers }), { status: 304, body: { length: 0 } })
  }
})

t.test('console: works whatever serializer, validator or not-found handler the app has', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  app.setReplySerializer((payload) => `{"wrapped":${JSON.stringify(payload)}}`)
  app.setSerializerCompiler(() => JSON.stringify)
  app.setValidatorCompiler(() => () => ({ error: new Error('no') }))
  app.setNotFoundHandler((_request, reply) => reply.code(404).send('"nothing here"'))
  app.addHook('onRequest', async (_request, reply) => { reply.header('cache-control', 'public, max-age=86400') })
  app.get('/*', async () => 'page of the app')
  await app.register(vexaAdmin, { adminKeys: adminKey, storage: emptyStorage(t), console: true })
  const url = await listen(app)
  t.equal(await open(t, url, '/admin/console'), '/admin/console/')
  t.match((await send(url, '/admin/console/console.js')).headers, expectedHeaders)
  t.equal((await send(url, '/admin/console/nothing')).body.toString(), 'page of the app')

  const other = await build(t, { console: true })
  other.setNotFoundHandler((_request, reply) => reply.code(404).send('nothing here'))
  t.equal((await send(await listen(other), '/admin/console/nothing')).body.toString(), 'nothing here')
})

t.test('console: is in no OpenAPI document', async (t) => {
  for (const hide of [false, true]) {
    const app = Fastify()
    t.teardown(() => app.close())
    await app.register(swagger, {
      openapi: { openapi: '3.1.0' },
      transform: ({ schema, url }) => {
        if (url.includes('/console')) throw new Error('not a schema of the app')
        return { schema, url }
      }
    })
    await app.register(vexaAdmin, { adminKeys: adminKey, storage: emptyStorage(t), console: true, hide })
    await app.ready()
    const paths = Object.keys(app.swagger().paths ?? {})
    t.equal(paths.includes('/admin/users'), !hide)
    t.same(paths.filter((path) => path.includes('console')), [])
  }
})

t.test('console: each registration of the plugin has its own or none', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  for (const [prefix, options] of [['/one', { console: true }], ['/two', { console: true }], ['/three', {}]] as const) {
    await app.register(async (scope) => {
      await scope.register(vexaAdmin, { adminKeys: adminKey, storage: emptyStorage(t), prefix, ...options })
    })
  }
  const url = await listen(app)
  t.equal(await open(t, url, '/one/console'), '/one/console/')
  t.equal(await open(t, url, '/two/console'), '/two/console/')
  for (const path of ['', ...files.map(({ path }) => path)]) {
    t.equal((await send(url, `/three/console${path}`)).status, 404)
  }
})

t.test('console: a missing file stops the boot with a coded error that says how to build it', async (t) => {
  const directory = t.testdir({ 'index.html': '<!doctype html>', 'console.js': '' })
  const error = await readConsoleFiles(pathToFileURL(`${directory}/`)).then(() => undefined, (error) => error)
  t.match(error, { code: 'VEXA_ADMIN_ERR_CONSOLE_MISSING', statusCode: 500, cause: { code: 'ENOENT' } })
  t.match(error.message, /`console` needs the file dist\/console\/console\.css .*ENOENT.* `npm run build:console`/)
  t.notMatch(error.message, directory)
})

t.test('console: the page has no inline script, no inline style and no URL of elsewhere', async (t) => {
  const [page, script, style] = files.map(({ content }) => content.toString()) as [string, string, string]
  t.notMatch(page, /<script(?![^>]* src=)|<style|\sstyle=|\son\w+=/)
  t.notMatch(page.replace(/"data:[^"]*"/g, ''), /\/\//)
  t.notMatch(style, /@import|https?:|url\((?!["']?data:)/)
  // The namespaces of SVG and MathML are names. Nothing loads them.
  const addresses = [...script.matchAll(/https?:\/\/[\w-]+\.[\w./-]*/g)].map(([address]) => address)
  t.same(addresses.filter((address) => !address.startsWith('http://www.w3.org/')), [])
  t.notMatch(script, /\beval\(|new Function|localStorage|document\.write|insertAdjacentHTML|outerHTML/)
})
