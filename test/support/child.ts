import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'

export const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Child {
  process: ChildProcess
  /** Everything printed so far. */
  output (): string
  /** Resolves with the first line that matches; rejects if the process ends before. */
  line (pattern: RegExp): Promise<string>
  /** Resolves with the exit code, or the signal that ended the process. */
  exit: Promise<number | NodeJS.Signals>
}

/** Runs a TypeScript program of this repository, by its path from the root, and kills it with the test. `wrapper`: a command that runs it. */
export function run (t: Test, program: string, { args = [], flags = [], env = {}, cwd = tmpdir(), wrapper = [] }: { args?: string[], flags?: string[], env?: NodeJS.ProcessEnv, cwd?: string, wrapper?: string[] } = {}): Child {
  // The test runner would have its loader, through NODE_OPTIONS, record the coverage of code that tsx compiled in another way.
  const imports = ['tsx', ...(process.env.SEARCHED_LOG ? ['../security/log-everything.ts'] : [])].map((name) => `--import=${import.meta.resolve(name)}`)
  const command = ['-u', 'NODE_OPTIONS', ...wrapper, process.execPath, ...flags, ...imports, root + program, ...args]
  const inherited = Object.fromEntries(['PATH', 'POSTGRES_URL', 'MYSQL_URL', 'SEARCHED_LOG'].map((name) => [name, process.env[name]]))
  const child = spawn('env', command, {
    cwd,
    env: { ...inherited, TSX_TSCONFIG_PATH: root + 'tsconfig.json', ...env },
    stdio: ['ignore', 'pipe', 'pipe']
  })
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
      exit.then((code) => reject(new Error(`${program} ended with ${code}:\n${output}`)), reject)
    }),
    exit
  }
}
