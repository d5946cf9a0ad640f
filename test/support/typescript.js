// Compiles the TypeScript that the tests import, once for each version of a file.
// Usage: node --import ./test/support/typescript.js
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire, register } from 'node:module'
import { isMainThread } from 'node:worker_threads'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const cache = `${root}node_modules/.cache/test-typescript/`
// The programs of the pages and of the examples import the package by its name.
const aliases = {
  'fastify-vexa-admin': 'index.ts',
  'fastify-vexa-admin/conformance': 'storage/conformance/index.ts',
  'fastify-vexa-admin/vexa': 'vexa/index.ts'
}
// Their 480 modules would pass through the hooks one by one, which takes 0.6 s of CPU in each process.
const bundled = ['kysely', '@sinclair/typebox', '@sinclair/typebox/compiler', '@sinclair/typebox/value']
const typescript = /^file:(?!.*\/node_modules\/).*\.m?ts$/
// Other versions of these files give other output.
const inputs = [
  fileURLToPath(import.meta.url),
  ...['esbuild', 'kysely', '@sinclair/typebox'].map((name) => `${root}node_modules/${name}/package.json`)
].map((file) => readFileSync(file, 'utf8')).join('\n')
const bundles = `${cache}bundles-${digest(inputs)}/`

if (isMainThread) register(import.meta.url)
else if (!existsSync(bundles)) bundle()

export function resolve (specifier, context, nextResolve) {
  if (bundled.includes(specifier)) return nextResolve(pathToFileURL(`${bundles}${specifier}.mjs`).href, context)
  if (aliases[specifier]) return nextResolve(new URL(`../../src/${aliases[specifier]}`, import.meta.url).href, context)
  const source = specifier.replace(/\.(m?)js(?=$|\?)/, '.$1ts')
  const isTypeScript = /^(?:[./]|file:)/.test(source) && existsSync(new URL(source, context.parentURL))
  return nextResolve(isTypeScript ? source : specifier, context)
}

export async function load (url, context, nextLoad) {
  const [file] = url.split('?')
  if (!typescript.test(file)) return nextLoad(url, context)
  return { format: 'module', source: compiled(fileURLToPath(file)), shortCircuit: true }
}

function compiled (file) {
  const source = readFileSync(file, 'utf8')
  const kept = cache + digest(`${inputs}\n${file}\n${source}`)
  if (existsSync(kept)) return readFileSync(kept, 'utf8')
  const { code } = esbuild().transformSync(source, {
    sourcefile: file,
    loader: 'ts',
    target: 'es2022',
    sourcemap: 'inline',
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } }
  })
  keep(kept, (unfinished) => writeFileSync(unfinished, code))
  return code
}

function bundle () {
  keep(bundles, (outdir) => esbuild().buildSync({
    entryPoints: Object.fromEntries(bundled.map((name) => [name, name])),
    absWorkingDir: root,
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    keepNames: true,
    outExtension: { '.js': '.mjs' }
  }))
}

/** Creates a file or folder. Another process may create the same at the same time. */
function keep (kept, create) {
  mkdirSync(cache, { recursive: true })
  const unfinished = `${cache}unfinished-${process.pid}`
  create(unfinished)
  try {
    renameSync(unfinished, kept)
  } catch (error) {
    rmSync(unfinished, { recursive: true })
    if (!existsSync(kept)) throw error
  }
}

function digest (text) {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}

function esbuild () {
  return createRequire(import.meta.url)('esbuild')
}
