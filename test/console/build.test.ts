import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { root, run } from '../support/child.js'

/** Builds the console from one directory into another. */
function build (source: string, target: string): Promise<{ exitCode: number | null, output: string }> {
  return new Promise((resolve) => {
    // Without NODE_OPTIONS, through which the test runner would record coverage.
    const command = ['-u', 'NODE_OPTIONS', process.execPath, `${root}.ci/build-console.js`, source, target]
    const child = execFile('env', command, (_error, stdout, stderr) => {
      resolve({ exitCode: child.exitCode, output: stdout + stderr })
    })
  })
}

const filesOf = (directory: string) =>
  readdirSync(directory).map((name) => [name, readFileSync(`${directory}/${name}`, 'utf8')])

t.test('build: dist/console has the files of src/console', async (t) => {
  const directory = t.testdir()
  t.match(await build('src/console', directory), { exitCode: 0, output: /\d+ bytes .* after gzip/ })
  t.same(readdirSync(directory), ['LICENSE-preact', 'console.css', 'console.js', 'index.html'])
  t.same(filesOf(`${root}dist/console`), filesOf(directory), 'if not, run npm run build:console')
})

t.test('build: fails and writes nothing when JavaScript and CSS have more than 25 kB', async (t) => {
  const random = (size: number) => randomBytes(size).toString('latin1').replace(/[^ -~]|["'`\\$]/g, '')
  for (const [script, style, exitCode] of [[48_000, 4_000, 0], [90_000, 0, 1], [48_000, 48_000, 1]] as const) {
    const directory = t.testdir({
      'index.html': '<!doctype html>',
      'main.tsx': `import './style.css'\nconsole.log(${JSON.stringify(random(script))})`,
      'style.css': `p::before { content: '${random(style)}' }`
    })
    const result = await build(directory, `${directory}/built`)
    t.equal(result.exitCode, exitCode, result.output)
    t.equal(existsSync(`${directory}/built`), exitCode === 0)
    const [, size, limit] = /has (\d+) bytes .* limit is (\d+)\./.exec(result.output) ?? []
    t.equal(Number(limit), 25_000)
    t.equal(Number(size) > 25_000, exitCode === 1, `${size}`)
  }
})

t.test('console: an app without the option loads none of its modules', async (t) => {
  const ofConsole = ['routes/console-files.ts', 'routes/console.ts']
  for (const [option, expected] of [['false', []], ['true', ofConsole]] as const) {
    const child = run(t, 'test/support/fixtures/list-modules.ts', { args: [option] })
    t.equal(await child.exit, 0)
    const modules = child.output().split('\n')
    t.ok(modules.some((url) => url.endsWith('/src/routes/users.ts')))
    const loaded = modules.filter((url) => /console|preact/.test(url.slice(`file://${root}`.length)))
    t.same([...new Set(loaded)].sort(), expected.map((name) => `file://${root}src/${name}`))
  }
})
