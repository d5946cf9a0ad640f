import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'

export const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Child {
  process: ChildProcess
  /** Returns the output so far. */
  output (): string
  /** Resolves with the first line that matches; rejects if the process ends first. */
  line (pattern: RegExp): Promise<string>
  /** Resolves with the exit code, or the signal that ended the process. */
  exit: Promise<number | NodeJS.Signals>
}

interface RunOptions {
  args?: string[]
  /** Flags of Node.js. */
  flags?: string[]
  env?: NodeJS.ProcessEnv
  cwd?: string
  /** Command that runs the program. */
  wrapper?: string[]
}

/** Runs a TypeScript program of this repository, named by its path from the root. The end of the test kills it. */
export function run (
  t: Test, program: string, { args = [], flags = [], env = {}, cwd = tmpdir(), wrapper = [] }: RunOptions = {}
): Child {
  const loaders = ['./typescript.js', ...(process.env.SEARCHED_LOG ? ['../security/log-everything.ts'] : [])]
  const imports = loaders.map((name) => `--import=${new URL(name, import.meta.url)}`)
  // Without NODE_OPTIONS, through which the test runner would record coverage.
  const command = ['-u', 'NODE_OPTIONS', ...wrapper, process.execPath, ...flags, ...imports, root + program, ...args]
  return runCommand(t, 'env', command, { env, cwd })
}

/** Runs a command. The end of the test kills it. */
export function runCommand (
  t: Test, command: string, args: string[], { env = {}, cwd = tmpdir() }: Pick<RunOptions, 'env' | 'cwd'> = {}
): Child {
  const names = ['PATH', 'POSTGRES_URL', 'MYSQL_URL', 'SEARCHED_LOG']
  const inherited = Object.fromEntries(names.map((name) => [name, process.env[name]]))
  const child = spawn(command, args, { cwd, env: { ...inherited, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => { output += data })
  const lines: string[] = []
  const reader = createInterface(child.stdout).on('line', (line) => lines.push(line))
  const exit = once(child, 'close').then(([code, signal]) => code ?? signal)
  return {
    process: child,
    output: () => output,
    line: (pattern) => new Promise((resolve, reject) => {
      const look = () => {
        const found = lines.find((line) => pattern.test(line))
        if (found !== undefined) resolve(found)
      }
      look()
      reader.on('line', look)
      exit.then((code) => reject(new Error(`${[command, ...args].join(' ')} ended with ${code}:\n${output}`)), reject)
    }),
    exit
  }
}
