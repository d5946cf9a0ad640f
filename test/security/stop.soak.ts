// The example program stops in time although clients stall. Run by `npm run soak`.
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { run } from '../support/child.js'

t.test('standalone: stops and closes the database when clients stall', async (t) => {
  const cwd = t.testdir()
  const child = run(t, 'examples/standalone.ts', { cwd, env: { PORT: '0' } })
  const { msg } = JSON.parse(await child.line(/Server listening/))
  const url = msg.replace('Server listening at ', '')
  const beginnings = [
    '',
    'GET /admin/users HTTP/1.1\r\nHost: x\r\n',
    'PUT /nope HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{'
  ]
  for (const beginning of beginnings) {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.on('error', () => {})
    t.teardown(() => socket.destroy())
    await once(socket, 'connect')
    socket.write(beginning)
  }
  t.equal((await fetch(`${url}/admin/users`)).status, 401)
  child.process.kill('SIGTERM')
  t.equal(await child.exit, 0)
  t.notOk(existsSync(join(cwd, 'vexa-admin.db-wal')), 'the database was closed')
})
