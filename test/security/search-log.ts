// Runs the tests with a log at the level `trace`, and searches it for every admin key, token and hash that they used: npm run test:log
import { spawnSync } from 'node:child_process'
import { createReadStream, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const folders = ['test', 'test/guards', 'test/routes', 'test/services', 'test/security']
const files = folders.flatMap((folder) => readdirSync(folder).filter((name) => name.endsWith('.test.ts')).map((name) => `${folder}/${name}`))

const directory = mkdtempSync(join(tmpdir(), 'searched-log-'))
try {
  const { status } = spawnSync('npx', ['tap', '--disable-coverage', '--reporter=silent', ...files], { stdio: 'inherit', env: { ...process.env, SEARCHED_LOG: directory } })
  if (status !== 0) throw new Error(`The tests ended with ${status}`)

  const ofKind = (kind: string) => readdirSync(directory).filter((name) => name.endsWith(kind)).map((name) => join(directory, name))
  const secrets = new Set(ofKind('.secrets').flatMap((name) => readFileSync(name, 'utf8').trim().split('\n')))
  // Admin keys and hashes are words of these characters; tokens, whatever their prefix, end in one.
  const keys = [...secrets].filter((secret) => !/^[\w+/=-]{40,}$/.test(secret))
  let lines = 0
  const found: string[] = []
  for (const name of ofKind('.log')) {
    for await (const line of createInterface({ input: createReadStream(name) })) {
      lines++
      // The path and query of a request are the client's, and Fastify's to log: some of the tests put secrets there, to see them refused.
      // At this level it also logs the bytes of what is no HTTP.
      const text = line.replace(/"rawPacket":\{.*?\}/, '').replace(/"url":"(\\.|[^"\\])*"/g, '').replace(/Route [A-Z]+:.*? not found/g, '')
      const words = text.match(/[\w+/=-]{40,}/g) ?? []
      if (words.some((word) => secrets.has(word)) || keys.some((key) => text.includes(key)) || text.includes('"type":"Buffer"')) found.push(line)
    }
  }
  if (secrets.size < 100 || lines < 1000) throw new Error(`Only ${secrets.size} secrets and ${lines} lines: the tests do not log`)
  console.log(`${secrets.size} secrets, ${lines} lines of log, ${found.length} of them with a secret`)
  for (const line of found.slice(0, 10)) console.log(line.slice(0, 500))
  process.exitCode = found.length === 0 ? 0 : 1
} finally {
  rmSync(directory, { recursive: true })
}
