import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'

const program = '/usr/sbin/apache2'
const modules = '/usr/lib/apache2/modules'

const installed = existsSync(program) && existsSync(`${modules}/mod_oauth2.so`)
if (!installed && process.env.CI === 'true') throw new Error('Apache httpd with mod_oauth2 is not installed')

/** The reason to skip a test that needs Apache httpd with mod_oauth2, or `false` if both are installed. */
export const skipApache = !installed && 'Apache httpd with mod_oauth2 is not installed'

export interface Apache {
  address: string
  /** Returns the log of errors so far. */
  log (): string
}

/**
 * Starts an Apache with these lines of configuration. Resolves when it answers at `http://127.0.0.1:port`. The end of
 * the test stops it.
 *
 * @param env variables for `${NAME}` in the lines
 */
export async function startApache (t: Test, port: number, lines: string, env: NodeJS.ProcessEnv): Promise<Apache> {
  const directory = mkdtempSync(join(tmpdir(), 'apache-'))
  const names = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'headers', 'proxy', 'proxy_http', 'oauth2']
  writeFileSync(join(directory, 'httpd.conf'), [
    `ServerRoot ${directory}`, 'ServerName localhost', `DefaultRuntimeDir ${directory}`, 'PidFile pid', 'ErrorLog log',
    ...names.map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`),
    'StartServers 1', 'ServerLimit 1', 'ThreadsPerChild 8', 'MaxRequestWorkers 8', 'MinSpareThreads 1',
    // Root starts children as another user.
    ...process.getuid?.() === 0 ? ['User www-data', 'Group www-data'] : [],
    lines
  ].join('\n'))
  const options = ['-d', directory, '-f', join(directory, 'httpd.conf'), '-D', 'FOREGROUND']
  const apache = spawn(program, options, { env, stdio: ['ignore', 'inherit', 'inherit'] })
  const exit = once(apache, 'exit')
  t.teardown(async () => {
    apache.kill()
    await exit
    rmSync(directory, { recursive: true, force: true })
  })
  const address = `http://127.0.0.1:${port}`
  for (
    let answers = false; !answers && apache.exitCode === null; await sleep(20)
  ) answers = await fetch(address).then(() => true, () => false)
  return { address, log: () => readFileSync(join(directory, 'log'), 'utf8') }
}
