import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { emptyPlace, storageAt } from '../support/databases.js'
import { run } from '../support/child.js'
import { hear } from '../support/hear.js'
import { adminKey, build } from '../support/helpers.js'

t.test('leaked-token: shows the user, keeps the last use, and then revokes the token', async (t) => {
  const place = emptyPlace(t)
  const before = await build(t, { storage: storageAt(place), tokenStart: true })
  await before.vexaAdmin.users.create({ email: 'jane@example.com' })
  const values: string[] = []
  for (const name of ['by id', 'by value', 'disabled', 'kept']) {
    const { token } = await before.vexaAdmin.tokens.create('user-1', { name })
    await before.vexaAdmin.tokens.verify({ token })
    values.push(token)
  }
  await before.vexaAdmin.tokens.update('token-3', { disabled: true })
  await before.close()

  const app = await build(t, { storage: storageAt(place) })
  const { tokens } = app.vexaAdmin
  const used = (await tokens.get('token-2')).last_used_at
  const last = await tokens.create('user-1', { name: 'without start' })
  await tokens.update(last.id, { disabled: true })
  values.push(last.token)
  const heard = hear(t, 'fastify-vexa-admin:token:revoked')
  const requests: string[] = []
  app.addHook('onRequest', async ({ method, url }) => { requests.push(`${method} ${url}`) })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const file = join(t.testdir(), 'value')
  const start = async (args: string[], value = '', key = adminKey) => {
    writeFileSync(file, `${value}\n`)
    requests.length = 0
    const child = run(t, 'examples/leaked-token.ts', {
      args,
      env: { ADMIN_API_URL: `${app.listeningOrigin}/admin`, ADMIN_API_KEY: key },
      wrapper: ['sh', '-c', `exec "$0" "$@" < ${file}`]
    })
    const code = await child.exit
    t.notOk(values.some((each) => child.output().includes(each)))
    return { code, output: child.output(), requests: [...requests] }
  }

  t.same(await start(['token-1']), {
    code: 0,
    output: `token-1 (by id) of user-1 (jane@example.com). Last use: ${used}\nRevoked\n`,
    requests: ['GET /admin/tokens/token-1', 'DELETE /admin/tokens/token-1']
  })
  t.same(await start([], values[1]), {
    code: 0,
    output: `token-2 (by value) of user-1 (jane@example.com). Last use: ${used}\nRevoked\n`,
    requests: ['POST /admin/tokens/verify', 'POST /admin/revoke']
  })
  t.same(await start([], values[2]), {
    code: 0,
    output: 'The token is rejected already (TOKEN_DISABLED). The same first characters: 1\n' +
      `token-3 (disabled) of user-1 (jane@example.com). Last use: ${used}\nRevoked\n`,
    requests: [
      'POST /admin/tokens/verify', `GET /admin/tokens?start=${values[2]?.slice(0, 8)}`, 'POST /admin/revoke'
    ]
  })
  t.match(await start([], values[4]), {
    code: 0,
    output: 'The token is rejected already (TOKEN_DISABLED). The same first characters: none stored\nRevoked\n'
  })
  t.same(await start([], values[2]), {
    code: 1, output: 'No token has this value\n', requests: ['POST /admin/tokens/verify']
  })
  t.match(heard, [
    { tokenId: 'token-1' }, ...['token-2', 'token-3', 'token-5'].map((tokenId) => ({ tokenId, userId: 'user-1' }))
  ])
  t.same((await tokens.list('user-1')).map(({ id }) => id), ['token-4'])
  t.match(await start(['token-1']), { code: 1, output: 'Token not found\n' })
  t.match(await start(['token-4'], '', 'a-wrong-key-for-the-tests'), { code: 1, output: /^Admin key missing/ })
})
