// Compiles the TypeScript that the tests import, once for each version of a file.
// Usage: node --import ./test/support/typescript.js
// tap's own plugin compiles every file anew in each of 56 processes: that was a quarter of the time of `npm test`.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire, register } from 'node:module'
import { isMainThread } from 'node:worker_threads'
import { fileURLToPath } from 'node:url'

const cache = fileURLToPath(new URL('../../node_modules/.cache/test-typescript/', import.meta.url))
// Another version of the compiler or of this file gives other output.
const { version } = createRequire(import.meta.url)('typescript/package.json')
const self = version + readFileSync(fileURLToPath(import.meta.url))
const typescript = /^file:(?!.*\/node_modules\/).*\.m?ts$/

if (isMainThread) register(import.meta.url)

export function resolve (specifier, context, nextResolve) {
  const source = specifier.replace(/\.(m?)js(?=$|\?)/, '.$1ts')
  const isTypeScript = /^(?:\.|file:)/.test(source) && existsSync(new URL(source, context.parentURL))
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
