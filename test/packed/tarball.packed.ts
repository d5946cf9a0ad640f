import { readdirSync, readFileSync, statSync } from 'node:fs'
import t from 'tap'
import { root } from '../support/child.js'
import { execute, pack, tool } from './tools.js'

t.test('tarball: contains dist, examples and the pages, and nothing else', async (t) => {
  const tarball = await pack(t.testdir())
  const files = (await execute('tar', ['-tzf', tarball])).trim().split('\n').map((file) => file.replace('package/', ''))
  t.same(files.filter((file) => !/^(dist|examples)\//.test(file)).sort(), [
    'LICENSE',
    'README.md',
    'package.json',
    'src/storage/README.md'
  ])
  const linksOf = (page: string, pattern: RegExp) =>
    [...readFileSync(root + page, 'utf8').matchAll(pattern)].map(([, linked = '']) => linked)
  for (const linked of linksOf('README.md', /\]\((examples\/[^)#]+)/g)) t.ok(files.includes(linked), linked)
  for (const linked of linksOf('examples/README.md', /\]\(([\w-]+\.[a-z.]+)\)/g)) {
    t.ok(files.includes(`examples/${linked}`), linked)
  }
  const built = files.filter((file) => file.startsWith('dist/') && !file.startsWith('dist/console/'))
  t.same(built.filter((file) => !/\.(js|d\.ts)$/.test(file)), [])
  t.same(files.filter((file) => file.startsWith('dist/console/')).sort(), [
    'dist/console/LICENSE-preact', 'dist/console/console.css', 'dist/console/console.js', 'dist/console/index.html'
  ])
  t.match(await tool('publint', 'run', tarball, '--strict', '--pack', 'false'), /All good!/)
  t.match(await tool('attw', tarball, '--profile', 'esm-only'), /node16 \(from ESM\): 🟢/)
})

t.test('tarball: the console adds at most 100 kB', async (t) => {
  const directory = t.testdir()
  await execute('tar', ['-xzf', await pack(directory), '-C', directory])
  const files = readdirSync(`${directory}/package/dist`, { recursive: true, encoding: 'utf8' })
    .filter((file) => /^console\/|^routes\/console/.test(file))
  const size = files.reduce((sum, file) => sum + statSync(`${directory}/package/dist/${file}`).size, 0)
  t.equal(files.length, 8, files.join())
  t.ok(size > 10_000 && size <= 100_000, `${size} bytes`)
})

// npm runs `prepare` in a checkout, and not when it installs the package from the registry.
t.test('package.json: has no install script', async (t) => {
  const { scripts } = JSON.parse(await execute('npm', ['pkg', 'get', '--json']))
  for (const name of ['preinstall', 'install', 'postinstall']) t.notOk(name in scripts, name)
})

t.test('openapi.json: is a valid OpenAPI document', async (t) => {
  // "users/email/{email}" and "users/{id}/tokens" may be the same path. The router prefers the literal part.
  const options = ['--skip-rule', 'no-ambiguous-paths', '--format', 'json']
  const problems = JSON.parse(await tool('redocly', 'lint', `${root}examples/openapi.json`, ...options))
  t.same(problems.totals, { errors: 0, warnings: 0, ignored: 0 })
})
