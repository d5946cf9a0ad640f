// Runs the command line in this process, with streams that keep the output.
import { PassThrough, Writable } from 'node:stream'
import type { Test } from 'tap'
import { main } from '../../src/cli/main.js'
import type { Process } from '../../src/cli/cli.js'

export interface CliResult {
  exitCode: number
  stdout: string
  stderr: string
  /** The values that `--json` printed, one a line. */
  values (): any[]
}

interface CliOptions {
  /** Variables of the environment besides DATABASE_URL. */
  env?: NodeJS.ProcessEnv
  input?: string
  /** Whether stdin, stdout and stderr are terminals. */
  isTTY?: boolean
}

/** A working directory with its own database, in which commands run. */
export interface CliHome {
  directory: string
  /** Runs a command to its end. */
  cli (args: string[], options?: CliOptions): Promise<CliResult>
  /** Runs a command that must succeed, with `--json`, and returns the values that it printed. */
  values (...args: string[]): Promise<any[]>
}

/** Creates an empty working directory with a database that the commands use. */
export function cliHome (t: Test, databaseUrl?: string): CliHome {
  const directory = t.testdir()
  const cli: CliHome['cli'] = (args, options) => runCli(directory, args, {
    ...options, env: { ...databaseUrl && { DATABASE_URL: databaseUrl }, ...options?.env }
  })
  return {
    directory,
    cli,
    values: async (...args) => {
      const result = await cli([...args, '--json'])
      if (result.exitCode !== 0) throw new Error(`${args.join(' ')}: ${result.stderr}`)
      return result.values()
    }
  }
}

/** Runs a command in a directory. */
export async function runCli (directory: string, args: string[], options: CliOptions = {}): Promise<CliResult> {
  const { process, output } = createProcess(directory, options)
  return { exitCode: await main(args, process), ...output() }
}

/** Creates the `process` of a command, and a function that returns the output so far. */
export function createProcess (directory: string, { env = {}, input = '', isTTY = false }: CliOptions = {}) {
  const listeners = new Map<string, () => void>()
  const [stdout, stderr] = [captured(isTTY), captured(isTTY)]
  const process: Process = {
    env,
    cwd: () => directory,
    stdin: Object.assign(new PassThrough().end(input), { isTTY }),
    stdout: stdout.stream,
    stderr: stderr.stream,
    once: (signal, listener) => listeners.set(signal, listener),
    removeListener: (signal) => listeners.delete(signal)
  }
  return {
    process,
    kill: (signal: string) => listeners.get(signal)?.(),
    output: () => ({
      stdout: stdout.text(),
      stderr: stderr.text(),
      values: () => stdout.text().split('\n').filter((line) => line !== '').map((line) => JSON.parse(line))
    })
  }
}

function captured (isTTY: boolean) {
  let text = ''
  const stream = new Writable({
    write (chunk, _encoding, callback) {
      text += chunk
      callback()
    }
  })
  return { stream: Object.assign(stream, { isTTY }), text: () => text }
}

/** Serves until the function `stop` is called, which returns the exit code. */
export async function serve (t: Test, args: string[], options: { directory?: string, env?: NodeJS.ProcessEnv } = {}) {
  const child = createProcess(options.directory ?? t.testdir(), options)
  const exit = main(['serve', '--port', '0', ...args], child.process)
  const stop = (signal = 'SIGTERM') => {
    child.kill(signal)
    return exit
  }
  t.teardown(() => stop())
  while (child.output().stdout === '') {
    await Promise.race([exit, new Promise((resolve) => setTimeout(resolve, 10))])
  }
  return { ...child, stop, url: /http:\S+?:\d+/.exec(child.output().stdout)?.[0] as string }
}
