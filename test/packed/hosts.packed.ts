// Empty apps that install the package for the first time.
import { rmSync } from 'node:fs'
import t from 'tap'
import { mysqlUrl, postgresUrl, unavailable } from '../support/databases.js'
import { fence } from '../support/fences.js'
import { emptyApp, execute } from './tools.js'

const key = 'a-key-of-sixteen-characters'

const serve = `
  const app = Fastify()
  await app.register(vexaAdmin, { adminKeys: '${key}', storage })
  app.get('/me', { onRequest: app.vexaAdmin.requireToken() }, async (request) => request.apiUser)
  const address = await app.listen({ port: 0, host: '127.0.0.1' })
  const headers = { 'X-Admin-API-Key': '${key}', 'Content-Type': 'application/json' }
  const email = 'user' + process.pid + '@example.com'
  const create = async (path: string, body?: string) => {
    const reply = await fetch(address + '/admin/users' + path, { method: 'POST', headers, ...(body && { body }) })
    return await reply.json() as any
  }
  const user = await create('', JSON.stringify({ email }))
  const { token } = await create('/' + user.id + '/tokens')
  const me = await fetch(address + '/me', { headers: { 'X-API-Key': token } })
  console.log(me.status, ((await me.json()) as any).email === email)
  await fetch(address + '/admin/users/' + user.id, { method: 'DELETE', headers })
  await app.close()`
const served = '200 true\n'
const documented = fence('examples/README.md', 'commonjs')
const plain = serve.replaceAll(' as any', '').replace('(path: string, body?: string)', '(path, body)')

t.test('package: serves over SQLite in ESM, CommonJS and TypeScript', async (t) => {
  const memory = "const storage = sqliteStorage({ filename: ':memory:' })"
  const options = { strict: true, target: 'es2022', exactOptionalPropertyTypes: true, types: ['node'] }
  const cwd = await emptyApp(t, ['fastify', 'kysely', 'typescript@5', '@types/node@20'], {
    'esm.mjs': `import Fastify from 'fastify'
      import vexaAdmin, { sqliteStorage } from 'fastify-vexa-admin'
      ${memory}${plain}`,
    'console.mjs': `import Fastify from 'fastify'
      import vexaAdmin, { sqliteStorage } from 'fastify-vexa-admin'
      ${memory}
      const app = Fastify()
      await app.register(vexaAdmin, { adminKeys: '${key}', storage, console: true })
      for (const path of ['', 'console.js', 'console.css']) {
        const { statusCode, headers } = await app.inject('/admin/console/' + path)
        console.log(statusCode, headers['content-type'])
      }
      await app.close()`,
    'documented.cjs': `process.env.ADMIN_API_KEY = '${key}'
      const app = require('fastify')()
      ${documented}
      app.inject('/me').then(({ statusCode }) => { console.log(statusCode); return app.close() })`,
    'common.cjs': `const Fastify = require('fastify')
      const { vexaAdmin, sqliteStorage } = require('fastify-vexa-admin')
      ${memory};
      (async () => {${plain}\n})()`,
    'typed.mts': `import Fastify from 'fastify'
      import vexaAdmin, { EmailTakenError, sqliteStorage, type User } from 'fastify-vexa-admin'
      import type {} from 'fastify-vexa-admin/conformance'
      import type {} from 'fastify-vexa-admin/vexa'
      ${memory}${serve}
      const id: User['id'] = user.id
      const codeOf = (error: unknown): 'VEXA_ADMIN_ERR_EMAIL_TAKEN' | undefined =>
        error instanceof EmailTakenError ? error.code : undefined
      void [id, codeOf]`,
    'tsconfig.json': JSON.stringify({ compilerOptions: { ...options, module: 'nodenext' }, files: ['typed.mts'] }),
    'bundler.json': JSON.stringify({
      compilerOptions: { ...options, module: 'esnext', moduleResolution: 'bundler', noEmit: true },
      files: ['typed.mts']
    })
  })
  t.equal(await execute(process.execPath, ['esm.mjs'], { cwd }), served)
  // Node.js can require() ESM from 20.19 and 22.12.
  t.equal(await execute(process.execPath, ['common.cjs'], { cwd }), served)
  t.equal(await execute(process.execPath, ['documented.cjs'], { cwd }), '401\n')
  await execute('node_modules/.bin/tsc', ['-p', 'bundler.json'], { cwd })
  await execute('node_modules/.bin/tsc', [], { cwd })
  t.equal(await execute(process.execPath, ['typed.mjs'], { cwd }), served)
  t.equal(await execute(process.execPath, ['console.mjs'], { cwd }),
    ['text/html', 'text/javascript', 'text/css'].map((type) => `200 ${type}; charset=utf-8\n`).join(''))

  rmSync(`${cwd}/node_modules/fastify-vexa-admin/dist/console`, { recursive: true })
  await t.rejects(execute(process.execPath, ['console.mjs'], { cwd }), { message: /VEXA_ADMIN_ERR_CONSOLE_MISSING/ })
  t.equal(await execute(process.execPath, ['esm.mjs'], { cwd }), served, 'an app without the option reads no file')
})

const withoutPostgres = await unavailable('postgres')
const withoutDatabases = withoutPostgres || await unavailable('mysql')

t.test('package: serves over PostgreSQL without better-sqlite3', { skip: withoutPostgres }, async (t) => {
  const cwd = await emptyApp(t, ['--omit=optional', 'fastify', 'kysely', 'pg'], {
    'app.mjs': `import Fastify from 'fastify'
      import vexaAdmin, { KyselyStorage } from 'fastify-vexa-admin'
      import { PostgresDialect } from 'kysely'
      import pg from 'pg'
      const pool = new pg.Pool({ connectionString: '${postgresUrl}' })
      const storage = new KyselyStorage({ dialect: new PostgresDialect({ pool }), tablePrefix: 'packed_' })${plain}`,
    'default.mjs': `import Fastify from 'fastify'
      import vexaAdmin from 'fastify-vexa-admin'
      await Fastify().register(vexaAdmin, { adminKeys: '${key}' })`
  })
  // test/engines/runtimes.engine.ts tests later versions of Node.js, which have node:sqlite.
  if (process.getBuiltinModule('node:sqlite') === undefined) {
    const remedy = /better-sqlite3 is not installed: npm install better-sqlite3 .* use Node.js 22\.16 or later/
    await t.rejects(execute(process.execPath, ['default.mjs'], { cwd }), { message: remedy })
  }
  t.equal(await execute(process.execPath, ['app.mjs'], { cwd }), served)
})

t.test('package: serves in CommonJS with two copies of Kysely 0.28', { skip: withoutDatabases }, async (t) => {
  const dialects = {
    postgres: `new PostgresDialect({ pool: new Pool({ connectionString: '${postgresUrl}' }) })`,
    mysql: `new MysqlDialect({ pool: createPool('${mysqlUrl}') })`
  }
  const required = `const Fastify = require('fastify')
    const { vexaAdmin, KyselyStorage } = require('fastify-vexa-admin')
    const { Kysely, MysqlDialect, PostgresDialect } = require('kysely')
    const { createPool } = require('mysql2')
    const { Pool } = require('pg')`
  const imported = `import Fastify from 'fastify'
    import { vexaAdmin, KyselyStorage } from 'fastify-vexa-admin'
    import { Kysely, MysqlDialect, PostgresDialect } from 'kysely'
    import { createPool } from 'mysql2'
    import { Pool } from 'pg'`
  const app = (imports: string, body: string) => `${imports}
    const serve = async (storage${imports === imported ? ': KyselyStorage' : ''}) => {${body}\n}
    (async () => {
      await serve(new KyselyStorage({ dialect: ${dialects.postgres}, tablePrefix: 'packed_' }))
      await serve(new KyselyStorage({ dialect: ${dialects.mysql}, tablePrefix: 'packed_' }))
      for (const db of [new Kysely({ dialect: ${dialects.postgres} }), new Kysely({ dialect: ${dialects.mysql} })]) {
        await serve(new KyselyStorage({ db, tablePrefix: 'packed_' }))
        await db.destroy()
      }
    })()`
  const compilerOptions = { strict: true, target: 'es2022', module: 'nodenext', esModuleInterop: true, types: ['node'] }
  const packages = ['fastify', 'kysely@0.28', 'pg', 'mysql2', 'typescript@5', '@types/node@20', '@types/pg']
  const cwd = await emptyApp(t, ['--omit=optional', ...packages], {
    'common.cjs': app(required, plain),
    'typed.cts': app(imported, serve),
    'tsconfig.json': JSON.stringify({ compilerOptions, files: ['typed.cts'] })
  })
  t.equal(await execute(process.execPath, ['common.cjs'], { cwd }), served.repeat(4))
  await execute('node_modules/.bin/tsc', [], { cwd })
  t.equal(await execute(process.execPath, ['typed.cjs'], { cwd }), served.repeat(4))
})
