import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import t from 'tap'
import { root } from './support/child.js'

/** Returns the modules of `src` outside a folder that the files of the folder import, without duplicates. */
function importsOf (folder: string, except = '-'): string[] {
  const directory = join(root, 'src', folder)
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => /\.tsx?$/.test(name))
    .filter((name) => !name.startsWith(`${except}/`))
  return [...new Set(files.flatMap((name) => {
    const source = readFileSync(join(directory, name), 'utf8')
    return [...source.matchAll(/(?:from|import\(|import) ?'(\.[^']+)'/g)]
      .map(([, specifier = '']) => relative(join(root, 'src'), join(directory, dirname(name), specifier)))
      .filter((module) => !module.startsWith(`${folder}/`))
  }))].sort()
}

t.test('layers: the command line is a client of the public services', async (t) => {
  t.same(importsOf('cli', 'sources'), [
    'errors.js', 'hooks/admin-keys.js', 'index.js', 'schemas/lossless-json.js', 'storage/sql/drivers/open-sqlite.js',
    'storage/sql/drivers/sqlite-dialect.js', 'version.js', 'vexa/index.js'
  ])
})

t.test('layers: the sources of imports use only the forms of values and the dialects', async (t) => {
  const folders = importsOf('cli/sources').map((module) => module.replace(/\/[\w-]+\.js$/, ''))
  t.same([...new Set(folders)], ['normalize.js', 'schemas', 'services', 'storage/sql/dialects', 'storage'])
})

t.test('layers: the console is a client of HTTP, and imports only schemas and types of OpenAPI', async (t) => {
  const allowed = /^schemas\/|^\.\.\/examples\/openapi-types\.js$/
  t.same(importsOf('console').filter((module) => !allowed.test(module)), [])
  for (const folder of ['routes', 'hooks', 'services', 'schemas', 'storage', 'cli', 'vexa']) {
    t.same(importsOf(folder).filter((module) => module.startsWith('console/')), [], folder)
  }
})
