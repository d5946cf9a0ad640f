import fs, { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { Writable } from 'node:stream'
import t, { type Test } from 'tap'
import { main } from '../../src/cli/main.js'
import { cliHome, createProcess } from '../support/cli.js'

/** Creates a directory whose database has enough users for several writes of an export. */
async function manyUsers (t: Test): Promise<string> {
  const { directory, cli } = cliHome(t)
  const lines = Array.from({ length: 1000 }, (_, n) => ({ user: { ref: `${n}`, email: `${n}@example.com` } }))
  await cli(['import'], { input: lines.map((line) => JSON.stringify(line)).join('\n') })
  return directory
}

/** Runs an export on a terminal, and calls `onWrite` before the first write to a stream. */
async function exportWith (
  directory: string, args: string[], name: 'stdout' | 'stderr', onWrite: 'SIGINT' | (() => void)
) {
  const child = createProcess(directory, { isTTY: true })
  const inner = child.process[name]
  let isFirst = true
  const stream = new Writable({
    write (piece, _encoding, callback) {
      if (isFirst && typeof onWrite === 'string') child.kill(onWrite)
      else if (isFirst) (onWrite as () => void)()
      isFirst = false
      inner.write(piece, callback)
    }
  })
  const process = { ...child.process, [name]: Object.assign(stream, { isTTY: true }) }
  return { exitCode: await main(['export', ...args], process), ...child.output() }
}

t.test('export: import reads its file, and the copy has the same ids and values', async (t) => {
  const { cli, values, directory } = cliHome(t)
  await values('user', 'create', 'jane@example.com', '--data', '{"note":"\\u001b[2J"}')
  await values('user', 'create', 'bob@example.com')
  const token = (await cli(['token', 'create', 'user-2', '--scope', 'bot'])).stdout
  const file = `${directory}/users.ndjson`
  t.match(await cli(['export', 'users.ndjson']), {
    exitCode: 0, stdout: `Exported 2 users and 1 token to ${file}\n`, stderr: ''
  })
  t.equal(statSync(file).mode & 0o777, 0o600)
  const lines = readFileSync(file, 'utf8')
  t.equal(lines.split('\n').length, 4)
  t.notMatch(lines, token.trim())
  t.notMatch(lines, '\u001b', 'a terminal can show the file')
  t.match(await cli(['export', 'users.ndjson']), {
    exitCode: 1, stdout: '', stderr: /The file \S+users.ndjson exists, and is not replaced\n$/
  })
  t.same(await values('export', 'again.ndjson'), [{ file: `${directory}/again.ndjson`, users: 2, tokens: 1 }])

  const copy = ['--database', 'sqlite:copy.db']
  t.match(await values('import', 'users.ndjson', '--keep-ids', ...copy),
    [{ summary: { complete: true, users: { created: 2 }, tokens: { created: 1 }, options: { scopes: ['bot'] } } }])
  t.match(await cli(['token', 'verify', '--scope', 'bot', ...copy], { input: token }),
    { exitCode: 0, stdout: /TOKEN\ttoken-1\nUSER\tuser-2\n/ })
  t.match(await cli(['export', ...copy]), { stdout: lines, stderr: 'Exported 2 users and 1 token\n' })
  t.same(readdirSync(directory).filter((name) => name.endsWith('.partial')), [])
})

t.test('export: leaves no file when it cannot be complete', async (t) => {
  const { cli, directory } = cliHome(t)
  t.match(await cli(['export', 'users.ndjson']), { exitCode: 1, stderr: /There is no database/ })
  await cli(['migrate'])
  t.match(await cli(['export', 'missing/users.ndjson']), {
    exitCode: 1, stdout: '', stderr: /The file \S+missing\/users.ndjson cannot be written \(ENOENT\)\n$/
  })
  const module = new URL('../../examples/custom-storage.ts', import.meta.url)
  writeFileSync(`${directory}/storage.mjs`, `import { MemoryStorage } from '${module}'
    const storage = new MemoryStorage()
    storage.listUsers = () => { throw new Error('away') }
    storage.importUsers ??= () => []
    storage.importTokens ??= () => []
    storage.listHashedTokens ??= () => []
    export default storage`)
  t.match(await cli(['export', 'users.ndjson', '--storage', 'storage.mjs']), { exitCode: 1, stderr: /cannot answer/ })
  t.same(readdirSync(directory).filter((name) => name.startsWith('users')), [])
})

t.test('export: stops at a signal', async (t) => {
  const directory = await manyUsers(t)
  const stopped = { exitCode: 1, stderr: /Stopped. The export is not complete\n$/ }
  t.match(await exportWith(directory, [], 'stdout', 'SIGINT'), stopped)
  t.match(await exportWith(directory, ['users.ndjson'], 'stderr', 'SIGINT'), stopped)
  t.same(readdirSync(directory).filter((name) => name.startsWith('users')), [])
})

t.test('export: does not replace a file that appears meanwhile', async (t) => {
  const directory = await manyUsers(t)
  const file = `${directory}/users.ndjson`
  const create = () => {
    t.notOk(existsSync(file), 'a file that is not complete has another name')
    t.match(readdirSync(directory).join(), /users\.ndjson\.\w{8}\.partial/)
    writeFileSync(file, 'of another program')
  }
  t.match(await exportWith(directory, ['users.ndjson'], 'stderr', create), { exitCode: 1, stderr: /is not replaced\n$/ })
  t.equal(readFileSync(file, 'utf8'), 'of another program')
  t.same(readdirSync(directory).filter((name) => name.endsWith('.partial')), [])
})

t.test('export: writes a file where files have no second names', async (t) => {
  const { cli, directory, values } = cliHome(t)
  await values('user', 'create', 'jane@example.com')
  const { linkSync } = fs
  t.teardown(() => {
    fs.linkSync = linkSync
    syncBuiltinESMExports()
  })
  const write = async (meanwhile = () => {}) => {
    // As FAT answers.
    fs.linkSync = () => {
      meanwhile()
      throw Object.assign(new Error('EPERM: operation not permitted, link'), { code: 'EPERM' })
    }
    syncBuiltinESMExports()
    return cli(['export', 'users.ndjson'])
  }

  t.match(await write(() => writeFileSync(`${directory}/users.ndjson`, 'other')), {
    exitCode: 1, stderr: /users\.ndjson exists, and is not replaced/
  })
  t.equal(readFileSync(`${directory}/users.ndjson`, 'utf8'), 'other')
  fs.rmSync(`${directory}/users.ndjson`)
  t.match(await write(), { exitCode: 0 })
  t.match(readFileSync(`${directory}/users.ndjson`, 'utf8'), /^\{"user":.*jane@example\.com.*\}\n$/)
  t.equal(statSync(`${directory}/users.ndjson`).mode & 0o777, 0o600)
  t.same(readdirSync(directory).filter((name) => name.endsWith('.partial')), [])
})
