// Servers that are not installed: those of other releases of Debian, and those that npm has.
import { execFile } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import { root } from '../support/child.js'
import type { Product } from '../support/servers.js'
import { recordSkipped } from './results.js'

const exec = promisify(execFile)

/**
 * Returns the folder of an unpacked package of Debian. Returns `undefined`, and records why, if apt cannot get the
 * package, or if its program does not run on this machine.
 */
export async function unpack (
  engine: string, program: string, suite: string, name: string
): Promise<string | undefined> {
  try {
    const folder = (await exec(`${root}.ci/unpack`, [suite, name])).stdout.trim()
    await exec(`${folder}/run`, [program, '--version'])
    return folder
  } catch (error) {
    recordSkipped(engine, ((error as { stderr?: string }).stderr || String(error)).trim().split('\n', 1).join())
    return undefined
  }
}

const signals = { crash: 'SIGKILL', stop: 'SIGTERM' } as const

/** Returns the arguments of both mysqld and mariadbd. */
const mysqlArgs = (directory: string, port: number) => [
  `--datadir=${directory}/data`, `--port=${port}`, '--bind-address=127.0.0.1', `--socket=${directory}/socket`,
  `--pid-file=${directory}/pid`, `--tmpdir=${directory}`,
  // These tests survive no power cut.
  '--innodb-flush-log-at-trx-commit=2', '--innodb-doublewrite=OFF', '--sync-binlog=0'
]

/** Returns MySQL out of `mysql-server-core`. */
export function mysqlIn (folder: string): Product {
  const share = `${folder}/root/usr/share/mysql`
  const common = [
    'mysqld', '--no-defaults', `--basedir=${folder}/root/usr`, `--lc-messages-dir=${share}`,
    `--character-sets-dir=${share}/charsets`, `--plugin-dir=${folder}/root/usr/lib/mysql/plugin`, '--secure-file-priv='
  ]
  return {
    program: `${folder}/run`,
    user: 'mysql',
    install: (directory) => [
      `${folder}/run`, [...common, `--datadir=${directory}/data`, '--initialize-insecure']
    ],
    args: (directory, port) => [...common, ...mysqlArgs(directory, port), '--mysqlx=OFF'],
    ...signals,
    url: (port) => `mysql://root@127.0.0.1:${port}/mysql`
  }
}

/** Returns MariaDB out of `mariadb-server-core`. */
export function mariadbIn (folder: string): Product {
  const share = ['mariadb', 'mysql'].map((name) => `${folder}/root/usr/share/${name}`)
    .find((path) => existsSync(`${path}/charsets`)) as string
  const common = [
    'mariadbd', '--no-defaults', `--basedir=${folder}/root/usr`, `--lc-messages-dir=${share}`,
    `--character-sets-dir=${share}/charsets`, `--plugin-dir=${folder}/root/usr/lib/mysql/plugin`
  ]
  return {
    program: `${folder}/run`,
    user: 'mysql',
    // mariadb-install-db cannot start an unpacked server, so this does the same.
    install: (directory) => ['sh', ['-c', `
      mkdir ${directory}/data
      {
        printf '%s;\\n' 'create database mysql' 'use mysql' 'set @auth_root_socket = NULL, @skip_auth_anonymous = 1'
        cat ${share}/m*_system_tables.sql ${share}/m*_performance_tables.sql ${share}/m*_system_tables_data.sql
      } | ${folder}/run ${common.join(' ')} --bootstrap --datadir=${directory}/data`]],
    args: (directory, port) => [...common, ...mysqlArgs(directory, port)],
    ...signals,
    url: (port) => `mysql://root@127.0.0.1:${port}/mysql`
  }
}

/** Returns PgBouncer in transaction mode, for the database of a server. */
export function pgbouncerIn (folder: string, server: URL, settings: readonly string[] = []): Product {
  return {
    program: `${folder}/run`,
    user: 'postgres',
    install: () => ['true', []],
    args: (directory, port) => {
      writeFileSync(`${directory}/pgbouncer.ini`, [
        '[databases]', `postgres = host=${server.hostname} port=${server.port} user=postgres`,
        '[pgbouncer]', `listen_port = ${port}`, 'listen_addr = 127.0.0.1', 'unix_socket_dir =', 'auth_type = any',
        'pool_mode = transaction', ...settings, ''
      ].join('\n'))
      return ['pgbouncer', `${directory}/pgbouncer.ini`]
    },
    ...signals,
    url: (port) => `postgres://postgres@127.0.0.1:${port}/postgres`
  }
}

/** Returns PostgreSQL out of a package of npm, or `undefined` if npm did not install the package. */
export async function postgresOf (t: Test, engine: string, name: string): Promise<Product | undefined> {
  const source = join(import.meta.dirname, 'node_modules', name)
  if (!existsSync(source)) {
    recordSkipped(engine, `npm did not install ${name}`)
    return undefined
  }
  // This script of the package creates links. npm does not run it if scripts are off.
  await exec(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: source })
  // The user that runs the server may not be able to read the checkout.
  const folder = mkdtempSync(join(tmpdir(), 'postgres-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  chmodSync(folder, 0o755)
  cpSync(`${source}/native`, folder, { recursive: true, verbatimSymlinks: true })
  return {
    program: `${folder}/bin/postgres`,
    user: 'postgres',
    install: (directory) => [
      `${folder}/bin/initdb`, ['-D', directory, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync']
    ],
    args: (directory, port) => [
      '-D', directory, '-p', String(port), '-h', '127.0.0.1', '-k', directory, '-c', 'fsync=off'
    ],
    crash: 'SIGQUIT',
    stop: 'SIGINT',
    url: (port) => `postgres://postgres@127.0.0.1:${port}/postgres`
  }
}
