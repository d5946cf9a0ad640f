// Metrics and traces see the plugin's routes like those of the app, and no secret.
import { createRequire } from 'node:module'
import { relative } from 'node:path'
import t from 'tap'
import Fastify from 'fastify'
import vexaAdmin from '../../src/index.js'
import { root, run } from '../support/child.js'
import { emptyStorage } from '../support/databases.js'
import { fence } from '../support/fences.js'
import { adminKey, call } from '../support/helpers.js'

const require = createRequire(import.meta.url)

t.test('routes: @fastify/otel and prom-client see them, and no secret', async (t) => {
  const { FastifyOtelInstrumentation } = require('@fastify/otel')
  const { NodeTracerProvider } = require('@opentelemetry/sdk-trace-node')
  const { InMemorySpanExporter, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-base')
  const { Histogram, register } = require('prom-client')
  const exporter = new InMemorySpanExporter()
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  provider.register()
  const otel = new FastifyOtelInstrumentation()
  otel.setTracerProvider(provider)
  const labelNames = ['method', 'route', 'status']
  const duration = new Histogram({ name: 'http_request_duration_seconds', help: 'By route', labelNames })

  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(otel.plugin())
  app.addHook('onResponse', async (request, reply) => {
    const labels = { method: request.method, route: request.routeOptions.url, status: reply.statusCode }
    duration.observe(labels, reply.elapsedTime / 1000)
  })
  await app.register(vexaAdmin, { adminKeys: adminKey, storage: emptyStorage(t) })
  app.get('/me', { onRequest: app.vexaAdmin.requireToken() }, async (request) => request.apiUser)

  await call(app, 'POST', '/admin/users', { payload: { email: 'jane@example.com' } })
  const { token } = (await call(app, 'POST', '/admin/users/user-1/tokens')).json()
  t.equal((await app.inject({ url: '/me', headers: { 'x-api-key': token } })).statusCode, 200)
  t.equal((await app.inject('/me')).statusCode, 401)
  t.equal((await app.inject('/admin/users')).statusCode, 401)

  interface Span { name: string, attributes: Record<string, unknown>, events: unknown, status: unknown }
  const spans = exporter.getFinishedSpans() as Span[]
  const routes = spans.filter(({ name }) => name === 'request').map(({ attributes }) => attributes['http.route'])
  t.same(routes.sort(), ['/admin/users', '/admin/users', '/admin/users/:id/tokens', '/me', '/me'])
  t.ok(spans.some(({ name }) => name.includes('checkAdminKey')))
  t.ok(spans.some(({ name }) => name.includes('checkToken')))
  const recorded = JSON.stringify(spans.map(({ attributes, events, status }) => [attributes, events, status]))
  for (const secret of [adminKey, token]) t.notOk(recorded.includes(secret))

  const metrics: string = await register.metrics()
  t.match(metrics, 'http_request_duration_seconds_count{method="POST",route="/admin/users/:id/tokens",status="201"} 1')
  t.match(metrics, 'http_request_duration_seconds_count{method="GET",route="/me",status="401"} 1')
})

t.test('guide: prom-client counts requests by route', async (t) => {
  const program = fence('examples/README.md', 'metrics').replace("'prom-client'", `'${require.resolve('prom-client')}'`)
  const directory = t.testdir({
    'program.mts': `import Fastify from 'fastify'
      import vexaAdmin, { sqliteStorage } from 'fastify-vexa-admin'
      const app = Fastify()
      ${program}
      await app.register(vexaAdmin, { adminKeys: '${adminKey}', storage: sqliteStorage({ filename: ':memory:' }) })
      await app.inject('/admin/users/user-1')
      console.log((await app.inject('/metrics')).body)
      await app.close()`
  })
  const child = run(t, relative(root, `${directory}/program.mts`))
  t.equal(await child.exit, 0, child.output())
  t.match(child.output(), 'http_request_duration_seconds_count{method="GET",route="/admin/users/:id",status="401"} 1')
})
