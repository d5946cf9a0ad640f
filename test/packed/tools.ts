import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import { root } from '../support/child.js'

/** Runs a program to its end, and returns what it printed. Throws with that if it fails. */
export async function execute (program: string, args: string[], options: { cwd?: string } = {}): Promise<string> {
  try {
    // Without NODE_OPTIONS, because the test runner puts its loaders there.
    const command = ['-u', 'NODE_OPTIONS', program, ...args]
    return (await promisify(execFile)('env', command, { cwd: root, maxBuffer: 2 ** 26, ...options })).stdout
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string, stderr: string }
    throw new Error(`${program} ${args.join(' ')}\n${stdout}\n${stderr}`)
  }
}

/** Runs one of the tools that `npm run test:package` installs. */
export const tool = (name: string, ...args: string[]) => execute(`${root}test/packed/node_modules/.bin/${name}`, args)

/** Packs the package as for a release, and returns the path of the tarball. */
export async function pack (directory: string): Promise<string> {
  const printed = await execute('npm', ['pack', '--silent', '--json', '--pack-destination', directory])
  const [{ filename }] = JSON.parse(printed.slice(printed.indexOf('[\n')))
  return `${directory}/${filename}`
}

/** Packs the package, and installs it with other packages into an empty app, which the end of the test deletes. */
export async function emptyApp (t: Test, install: string[], files: Record<string, string> = {}): Promise<string> {
  // Outside of the checkout, because Node.js would find the checkout's modules from within.
  const directory = mkdtempSync(join(tmpdir(), 'app-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const tarball = await pack(directory)
  // npm 12 runs no install script unless it is allowed.
  const manifest = { private: true, allowScripts: { 'better-sqlite3': true } }
  writeFileSync(join(directory, 'package.json'), JSON.stringify(manifest))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
  await execute('npm', ['install', '--no-audit', '--no-fund', tarball, ...install], { cwd: directory })
  return directory
}
