// Builds the three files of the console from src/console. Fails if its JavaScript and CSS are too large together.
// Usage: node .ci/build-console.js [SOURCE] [TARGET]
import { build } from 'esbuild'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { minify } from 'terser'

const root = new URL('../', import.meta.url)
const [source = 'src/console', target = 'dist/console'] = process.argv.slice(2)
/** The most bytes that JavaScript and CSS may have together, each compressed by gzip. */
const limit = 25_000

const { outputFiles } = await build({
  absWorkingDir: fileURLToPath(root),
  entryPoints: { console: `${source}/main.tsx` },
  outdir: target,
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  charset: 'utf8',
  // Calls of `h` take 230 bytes less after gzip than those of the automatic runtime, which tsconfig.json names.
  tsconfigRaw: { compilerOptions: { jsx: 'react', jsxFactory: 'h', jsxFragmentFactory: 'Fragment' } },
  inject: ['preact'],
  logLevel: 'warning',
  write: false
})
const files = await Promise.all(outputFiles.map(async ({ path, text }) => ({
  path,
  // esbuild alone leaves 500 bytes more after gzip.
  text: path.endsWith('.js') ? (await minify(text, { module: true, ecma: 2020, compress: { passes: 2 } })).code : text
})))
const size = files.reduce((sum, { text }) => sum + gzipSync(text).length, 0)
console.log(`The console has ${size} bytes of JavaScript and CSS after gzip. The limit is ${limit}.`)
if (size > limit) process.exit(1)

const directory = new URL(`${target}/`, root)
await mkdir(directory, { recursive: true })
for (const { path, text } of files) await writeFile(path, text)
await writeFile(new URL('index.html', directory), await readFile(new URL(`${source}/index.html`, root)))
// console.js contains Preact, whose license has to go with each copy.
await writeFile(new URL('LICENSE-preact', directory), await readFile(new URL('node_modules/preact/LICENSE', root)))
