// Compiles the TypeScript that the tests import, once for each version of a file.
// Usage: node --import ./test/support/typescript.js
// A process of the tests takes 1.6 s of CPU to start with it, 2.4 s with tsx, and 3.8 s with tap's own plugin.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire, register } from 'node:module'
import { isMainThread } from 'node:worker_threads'
import { fileURLToPath } from 'node:url'

const cache = fileURLToPath(new URL('../../node_modules/.cache/test-typescript/', import.meta.url))
// Another version of the compiler or of this file gives other output.
const { version } = createRequire(import.meta.url)('typescript/package.json')
const self = version + readFileSync(fileURLToPath(import.meta.url))
// The programs of the pages and of the examples import the package by its name.
const aliases = { 'fastify-vexa-admin': 'index.ts', 'fastify-vexa-admin/conformance': 'storage/conformance/index.ts' }
const typescript = /^file:(?!.*\/node_modules\/).*\.m?ts$/

if (isMainThread) register(import.meta.url)

export function resolve (specifier, context, nextResolve) {
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
  const kept = cache + createHash('sha256').update(`${process.version}\n${self}\n${file}\n${source}`).digest('hex')
  if (existsSync(kept)) return readFileSync(kept, 'utf8')
  const ts = createRequire(import.meta.url)('typescript')
  const { outputText } = ts.transpileModule(source, {
    fileName: file,
    compilerOptions: {
      target: 'es2022', module: 'esnext', verbatimModuleSyntax: true, inlineSourceMap: true, inlineSources: true
    }
  })
  mkdirSync(cache, { recursive: true })
  // Another process may write the same at the same time.
  writeFileSync(`${kept}.${process.pid}`, outputText)
  renameSync(`${kept}.${process.pid}`, kept)
  return outputText
}
