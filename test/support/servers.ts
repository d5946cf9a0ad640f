// Database servers that belong to one test, so that it can kill them.
import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import { excluded } from './databases.js'

export interface DatabaseServer {
  /** The folder of its data. */
  readonly directory: string
  readonly url: string
  /** Starts the server. Resolves when it accepts connections. */
  start (): Promise<void>
  /** Ends the server at once, as a crash would. Resolves when it has ended. */
  crash (): Promise<void>
  /** Kills the server with SIGKILL. Processes that it has started may live a little longer. */
  kill (): Promise<void>
  /** Stops the server in order. Resolves when it has ended. */
  stop (): Promise<void>
}

/** A kind of server, and how to run it. */
export interface Product {
  /** The server program; `undefined` if it is not installed. */
  program: string | undefined
  /** The user that runs it, because root must not. */
  user: string
  install: (directory: string) => [program: string, args: string[]]
  args: (directory: string, port: number) => string[]
  crash: NodeJS.Signals
  stop: NodeJS.Signals
  url: (port: number) => string
}

type Server = 'postgres' | 'mysql' | Product

const postgresPrograms = existsSync('/usr/lib/postgresql')
  ? readdirSync('/usr/lib/postgresql').map((version) => `/usr/lib/postgresql/${version}/bin`)
    .filter((path) => existsSync(`${path}/initdb`)).at(-1)
  : undefined

const products: Record<'postgres' | 'mysql', Product> = {
  postgres: {
    program: postgresPrograms && `${postgresPrograms}/postgres`,
    user: 'postgres',
    install: (directory) => ['initdb', ['-D', directory, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync']],
    args: (directory, port) => ['-D', directory, '-p', String(port), '-h', '127.0.0.1', '-k', directory],
    // The signal of `pg_ctl stop -m immediate`.
    crash: 'SIGQUIT',
    // The signal of `-m fast`, which waits for no client.
    stop: 'SIGINT',
    url: (port) => `postgres://postgres@127.0.0.1:${port}/postgres`
  },
  mysql: {
    program: ['/usr/sbin/mariadbd', '/usr/sbin/mysqld'].find((path) => existsSync(path)),
    user: 'mysql',
    install: (directory) => ['mariadb-install-db', [
      '--no-defaults', `--datadir=${directory}`, '--auth-root-authentication-method=normal', '--skip-test-db'
    ]],
    args: (directory, port) => [
      '--no-defaults', `--datadir=${directory}`, `--port=${port}`, '--bind-address=127.0.0.1',
      `--socket=${directory}/socket`, `--pid-file=${directory}/pid`
    ],
    crash: 'SIGKILL',
    stop: 'SIGTERM',
    url: (port) => `mysql://root@127.0.0.1:${port}/mysql`
  }
}

const productOf = (server: Server): Product => typeof server === 'string' ? products[server] : server

/**
 * Returns `false` if a database belongs to this run and is installed, else the reason for skipping its tests.
 *
 * @throws {Error} with `CI=true` if it is not installed
 */
export function uninstalled (database: 'postgres' | 'mysql'): string | false {
  if (excluded(database) || products[database].program !== undefined) return excluded(database)
  const reason = `the server programs of ${database} are not installed`
  if (process.env.CI === 'true') throw new Error(reason)
  return reason
}

/**
 * Starts a server with an empty database, and kills it after the test.
 *
 * @param options more arguments of the program
 */
export async function startServer (
  t: Test,
  database: Server,
  options: readonly string[] = []
): Promise<DatabaseServer> {
  const directory = emptyDirectory(t, database)
  await runAs(database, directory, ...productOf(database).install(directory))
  const server = await serverIn(t, database, directory, options)
  await server.start()
  return server
}

/** Returns a server over a folder that has its data. Kills it after the test. */
export async function serverIn (
  t: Test,
  database: Server,
  directory: string,
  options: readonly string[] = []
): Promise<DatabaseServer> {
  const { program, user, args, crash, stop, url } = productOf(database)
  const port = await freePort()
  let running: ChildProcess | undefined
  const end = async (signal: NodeJS.Signals) => {
    const ended = running && once(running, 'exit')
    running?.kill(signal)
    await ended
    running = undefined
  }
  const server = {
    directory,
    url: url(port),
    async start () {
      const log = openSync(join(directory, 'server.log'), 'a')
      const child = spawn(program as string, [...args(directory, port), ...options], {
        ...identityOf(user), cwd: directory, env: environmentIn(directory), stdio: ['ignore', log, log]
      })
      closeSync(log)
      running = child
      while (!await answers(port)) {
        if (child.exitCode !== null) {
          throw new Error(readFileSync(join(directory, 'server.log'), 'utf8').slice(-2000))
        }
        await sleep(20)
      }
    },
    crash: () => end(crash),
    kill: () => end('SIGKILL'),
    stop: () => end(stop)
  }
  t.teardown(() => server.crash())
  return server
}

/** Creates a folder for the user that the server runs as. Deletes it after the test. */
export function emptyDirectory (t: Test, database: Server): string {
  const directory = mkdtempSync(join(tmpdir(), 'server-'))
  const { uid, gid } = identityOf(productOf(database).user)
  if (uid !== undefined) chownSync(directory, uid, gid as number)
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Runs a program as the user that the server runs as. Finds PostgreSQL's own programs by name. */
export async function runAs (
  database: Server,
  cwd: string,
  program: string,
  args: readonly string[]
): Promise<void> {
  const identity = identityOf(productOf(database).user)
  await promisify(execFile)(program, args, { ...identity, cwd, env: environmentIn(cwd) })
}

// Each server has its own temporary files, because MariaDB deletes those of others when it starts.
function environmentIn (directory: string): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${postgresPrograms}:${process.env.PATH}`, TMPDIR: directory }
}

function identityOf (user: string): { uid?: number, gid?: number } {
  return process.getuid?.() === 0 ? { uid: idOf(user, 'u'), gid: idOf(user, 'g') } : {}
}

function idOf (user: string, kind: 'u' | 'g'): number {
  return Number(execFileSync('id', [`-${kind}`, user], { encoding: 'utf8' }))
}

export async function freePort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Returns whether a server accepts connections. PostgreSQL accepts some before it serves, and sends an error. */
function answers (port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
