// Runs all tests with a log at the level `trace`, and searches it for each admin key, token and hash: npm run test:log
import { spawnSync } from 'node:child_process'
import { hash } from 'node:crypto'
import { chmodSync, createReadStream, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const directory = mkdtempSync(join(tmpdir(), 'searched-log-'))
// One of the programs runs as another user.
chmodSync(directory, 0o777)
try {
  // These take the place of `node-arg` in package.json. The loader comes first, because it loads the other.
  const preloads = ['../support/typescript.js', './log-everything.ts']
    .map((name) => `--node-arg=--import=${import.meta.resolve(name)}`)
  // The pattern adds the files that `npm test` leaves out.
  const { status } = spawnSync(
    'npx', ['tap', '--disable-coverage', '--reporter=silent', ...preloads, 'test/**/*.test.ts'],
    { stdio: 'inherit', env: { ...process.env, SEARCHED_LOG: directory } }
  )
  if (status !== 0) throw new Error(`The tests ended with ${status}`)

  const ofKind = (kind: string) =>
    readdirSync(directory).filter((name) => name.endsWith(kind)).map((name) => join(directory, name))
  const values = new Set(ofKind('.secrets').flatMap((name) => readFileSync(name, 'utf8').trim().split('\n')).map(
    (line): string => JSON.parse(line)
  ))
  const secrets = [...values].flatMap((value) => {
    const digest = hash('sha256', value, 'buffer')
    // As it is written in JSON.
    return [
      JSON.stringify(value).slice(1, -1), digest.toString('hex'), digest.toString('base64'),
      digest.toString('base64url')
    ]
  })
  // Indexed by their first characters, because there are too many to search each line for each of them.
  const beginnings = new Map<string, string[]>()
  for (const secret of secrets) {
    const others = beginnings.get(secret.slice(0, 16))
    if (others) others.push(secret)
    else beginnings.set(secret.slice(0, 16), [secret])
  }
  const hasSecret = (text: string) => {
    for (let i = 0; i < text.length; i++) {
      if (beginnings.get(text.slice(i, i + 16))?.some((secret) => text.startsWith(secret, i))) return true
    }
    return false
  }

  const logs = ofKind('.log')
  let lines = 0
  const found: string[] = []
  for (const name of logs) {
    for await (const line of createInterface({ input: createReadStream(name) })) {
      lines++
      // Fastify logs the path and query of a request. Some tests put secrets there to see them rejected.
      // At this level Fastify also logs the bytes of an invalid request.
      const text = line.replace(/"rawPacket":\{.*?\}/, '').replace(
        /"req":\{"method":"[A-Z]+","url":"(\\.|[^"\\])*"/, ''
      ).replace(/"msg":"Route [A-Z]+:.*? not found"/, '')
      // A hash may be logged as a Buffer.
      if (hasSecret(text) || text.includes('"type":"Buffer"')) found.push(line)
    }
  }
  console.log(
    `${secrets.length} secrets, ${lines} lines of log by ${logs.length} processes, ` +
    `${found.length} of them with a secret`
  )
  for (const line of found.slice(0, 10)) console.log(line.slice(0, 500))
  if (secrets.length < 5000 || lines < 20000 || logs.length < 45) throw new Error('The tests do not log')
  process.exitCode = found.length === 0 ? 0 : 1
} finally {
  rmSync(directory, { recursive: true })
}
