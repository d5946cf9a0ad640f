// The admin API alone, with nothing to configure, and a page to try it on: npm start
import { randomBytes } from 'node:crypto'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import Fastify from 'fastify'
import vexaAdmin, { securitySchemes, sqliteStorage } from 'fastify-vexa-admin'

const { ADMIN_API_KEY, DATABASE_FILE, HOST, PORT } = process.env
const adminKey = ADMIN_API_KEY || randomBytes(24).toString('base64url')

const app = Fastify({
  logger: process.stdout.isTTY ? { transport: { target: 'pino-pretty', options: { singleLine: true, errorLikeObjectKeys: [], ignore: 'pid,hostname,reqId,req.host,req.remotePort,err.type,err.name,err.message' } } } : true,
  // A stop waits for connections that were busy when it began, for as long as they may idle: 72 seconds, if Fastify is not told.
  keepAliveTimeout: 5000
})

// Hides the admin key in the curl line of a request. The browser runs the text of this function, so nothing from outside may be in it.
const hideKey = () => ({
  wrapComponents: {
    curl (Curl: unknown, { React }: any) {
      return (props: any) => React.createElement(Curl, { ...props, request: props.request.updateIn(['headers', 'X-Admin-API-Key'], (key?: string) => key && '***') })
    }
  }
})

try {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Users and API tokens', version: '1', description: 'Authorize with the admin key, then choose an operation and execute it.' },
      components: { securitySchemes: { adminKey: securitySchemes.adminKey } }
    }
  })
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    // Each visit loads a dozen files.
    logLevel: 'warn',
    uiConfig: { deepLinking: true, tryItOutEnabled: true, plugins: [hideKey] },
    theme: {
      title: 'Users and API tokens',
      css: [{ filename: 'theme.css', content: '.swagger-ui .topbar, .swagger-ui .response-col_links { display: none }' }]
    }
  })
  app.get('/', { schema: { hide: true } }, (_request, reply) => reply.redirect('/docs'))
  await app.register(vexaAdmin, {
    adminKeys: adminKey,
    storage: sqliteStorage({ filename: DATABASE_FILE || 'vexa-admin.db' })
  })
  const address = await app.listen({ host: HOST || '127.0.0.1', port: Number(PORT || 3000) })
  console.log(`\nTry it at ${address}/docs`)
  if (!ADMIN_API_KEY) {
    console.log(`
ADMIN_API_KEY is not set, so this run has a key of its own: ${adminKey}
Create a user with it:

curl -X POST ${address}/admin/users -H 'X-Admin-API-Key: ${adminKey}' -H 'Content-Type: application/json' -d '{"email": "user@example.com", "name": "John Doe"}'
`)
  }
} catch (error) {
  // The port is taken, the file cannot be opened, the key is too short: what to do is in the message.
  console.error(`Cannot start: ${(error as Error).message}`)
  await app.close()
  process.exit(1)
}

// Answers what is under way, then closes the database.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    app.close()
    // Who never sends the rest of a request would keep us for ever. Longer than a storage may take, so that no answer is cut off.
    setTimeout(() => app.server.closeAllConnections(), 15_000).unref()
  })
}
