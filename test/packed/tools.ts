import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { root } from '../support/child.js'

/** Runs a program to its end; rejects, with what it printed, if it fails. */
export async function execute (program: string, args: string[], { cwd = root }: { cwd?: string } = {}): Promise<string> {
  try {
    // Through env: the test runner puts its loaders into every Node that it sees being started.
    return (await promisify(execFile)('env', ['-u', 'NODE_OPTIONS', program, ...args], { cwd, maxBuffer: 2 ** 26 })).stdout
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string, stderr: string }
    throw new Error(`${program} ${args.join(' ')}\n${stdout}\n${stderr}`)
  }
}

/** One of those that npm run test:package installs. */
export const tool = (name: string, ...args: string[]) => execute(`${root}test/package/node_modules/.bin/${name}`, args)

/** The path of the package, as it would be published. */
export async function pack (directory: string): Promise<string> {
  const [{ filename }] = JSON.parse(await execute('npm', ['pack', '--silent', '--json', '--pack-destination', directory]).then((printed) => printed.slice(printed.indexOf('[\n'))))
  return `${directory}/${filename}`
}
