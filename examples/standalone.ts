// The admin API and its console, with a page to try the API. The program needs no configuration: npm start
import { randomBytes } from 'node:crypto'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import Fastify from 'fastify'
import vexaAdmin, { securitySchemes, sqliteStorage } from 'fastify-vexa-admin'

const { ADMIN_API_KEY, DATABASE_FILE, HOST, PORT } = process.env
const adminKey = ADMIN_API_KEY || randomBytes(24).toString('base64url')

const pretty = {
  singleLine: true,
  errorLikeObjectKeys: [],
  ignore: 'pid,hostname,reqId,req.host,req.remotePort,err.type,err.name,err.message'
}

const app = Fastify({
  logger: process.stdout.isTTY ? { transport: { target: 'pino-pretty', options: pretty } } : true,
  // In milliseconds. When the app stops, a connection that was busy stays open for this time after its last reply.
  // Fastify's default is 72 seconds.
  keepAliveTimeout: 5000
})

// A plugin of Swagger UI, which hides the admin key in the curl command that the page shows for a request.
// The browser runs the source text of this function, so the function cannot use variables of this file.
const hideKey = () => ({
  wrapComponents: {
    curl (Curl: unknown, { React }: any) {
      return (props: any) => {
        const request = props.request.updateIn(['headers', 'X-Admin-API-Key'], (key?: string) => key && '***')
        return React.createElement(Curl, { ...props, request })
      }
    }
  }
})

try {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Users and API tokens',
        version: '1',
        description: 'Authorize with the admin key, then choose an operation and execute it.'
      },
      components: { securitySchemes: { adminKey: securitySchemes.adminKey } }
    }
  })
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    // Each visit loads a dozen files. At the level `info`, these requests would fill the log.
    logLevel: 'warn',
    uiConfig: { deepLinking: true, tryItOutEnabled: true, plugins: [hideKey] },
    theme: {
      title: 'Users and API tokens',
      css: [{
        filename: 'theme.css',
        content: '.swagger-ui .topbar, .swagger-ui .response-col_links { display: none }'
      }]
    }
  })
  app.get('/', { schema: { hide: true } }, (_request, reply) => reply.redirect('admin/console/'))
  await app.register(vexaAdmin, {
    adminKeys: adminKey,
    storage: sqliteStorage({ filename: DATABASE_FILE || 'vexa-admin.db' }),
    audit: true,
    console: true,
    tokenStart: true
  })
  const address = await app.listen({ host: HOST || '127.0.0.1', port: Number(PORT || 3000) })
  console.log(`\nThe console is at ${address}/admin/console/\nTry the API at ${address}/docs`)
  if (!ADMIN_API_KEY) {
    const headers = `-H 'X-Admin-API-Key: ${adminKey}' -H 'Content-Type: application/json'`
    console.log(`
ADMIN_API_KEY is not set, so this run has a key of its own: ${adminKey}
Create a user with it:

curl -X POST ${address}/admin/users ${headers} -d '{"email": "user@example.com", "name": "John Doe"}'
`)
  }
} catch (error) {
  // If the file cannot be opened or the key is too short, the message says what to do. If the port is taken, the
  // message names the port.
  console.error(`Cannot start: ${(error as Error).message}`)
  await app.close()
  process.exit(1)
}

// `app.close()` first waits until the open requests are answered, and then closes the database.
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    app.close()
    // Without this timer, a client that never sends the rest of its request would keep the process running for ever.
    // The delay is longer than a call of the storage may take, so that each complete request gets its reply.
    setTimeout(() => app.server.closeAllConnections(), 15_000).unref()
  })
}
