import t from 'tap'
import { cliHome } from '../support/cli.js'

t.test('user: is created, listed, shown, updated, disabled, enabled and deleted', async (t) => {
  const { cli, values } = cliHome(t)
  const created = await cli([
    'user', 'create', 'Jane@Example.com', '--name', 'Jane Doe', '--max-concurrent-bots', '5', '--data', '{"plan":"pro"}'
  ])
  t.equal(created.exitCode, 0, created.stderr)
  t.match(created.stdout, /^ID\tuser-1\nEMAIL\tjane@example.com\nNAME\tJane Doe\nBOTS\t5\nSTATE\tactive\n(.*\n)DATA\t{"plan":"pro"}\n$/)
  t.match(await values('user', 'create', 'john@example.com'), [{ id: 'user-2', name: null, max_concurrent_bots: 3 }])

  t.match(await values('user', 'list'), [{ id: 'user-1' }, { id: 'user-2' }])
  t.match(await values('user', 'list', '--order', 'desc', '--limit', '1'), [{ id: 'user-2' }])
  t.match(await values('user', 'list', '--search', 'JANE'), [{ id: 'user-1', data: { plan: 'pro' } }])

  t.match(await values('user', 'show', 'user-1'), [{ id: 'user-1', api_tokens: [] }])
  t.match(await values('user', 'show', 'JOHN@example.com'), [{ id: 'user-2' }])

  const update = ['user', 'update', 'user-1']
  t.match(await values(...update, '--email', 'j@example.com', '--data', '{"plan":null,"seats":2}'),
    [{ email: 'j@example.com', name: 'Jane Doe', data: { seats: 2 } }])
  const [bare] = await values(...update, '--no-name', '--no-data', '--max-concurrent-bots', '0')
  t.match(bare, { name: null, max_concurrent_bots: 0 })
  t.notOk('data' in bare)

  t.match(await values('user', 'disable', 'user-1'), [{ id: 'user-1', disabled: true }])
  t.match((await cli(['user', 'list', '--disabled'])).stdout, /\tdisabled\t/)
  t.match(await values('user', 'list', '--disabled'), [{ id: 'user-1' }])
  t.match(await values('user', 'list', '--enabled'), [{ id: 'user-2' }])
  t.notOk('disabled' in (await values('user', 'enable', 'user-1'))[0])

  t.same(await values('user', 'delete', 'user-1'), [{ id: 'user-1', deleted: true }])
  const again = await cli(['user', 'delete', 'user-1'])
  t.match(again, { exitCode: 1, stdout: '', stderr: 'fastify-vexa-admin: User not found\n' })
})

t.test('user update: rejects an option with its opposite, and changes nothing', async (t) => {
  const { cli, values } = cliHome(t)
  await values('user', 'create', 'jane@example.com', '--name', 'Jane', '--data', '{"plan":"pro"}')
  for (const [option, value] of [['name', 'x'], ['data', '{}']] as const) {
    t.match(await cli(['user', 'update', 'user-1', `--${option}`, value, `--no-${option}`]), {
      exitCode: 2, stdout: '', stderr: new RegExp(`Give either --${option} or --no-${option}`)
    })
  }
  t.match(await values('user', 'show', 'user-1'), [{ name: 'Jane', data: { plan: 'pro' } }])
})
