import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'

const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/bin', '/opt/homebrew/bin']
const program = folders.map((folder) => join(folder, 'nginx')).find((path) => existsSync(path))
if (program === undefined && process.env.CI === 'true') throw new Error('nginx is not installed')

/** The reason to skip a test that needs nginx, or `false` if nginx is installed. */
export const skipNginx = program === undefined && 'nginx is not installed'

/**
 * Starts an nginx with these lines in its `http` block. Resolves when it answers at `http://127.0.0.1:port`. The end of
 * the test stops it.
 */
export async function startNginx (t: Test, port: number, http: string): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'nginx-'))
  mkdirSync(join(directory, 'logs'))
  writeFileSync(join(directory, 'nginx.conf'), `
    daemon off; worker_processes 1; pid nginx.pid; error_log logs/error.log; events {}
    http {
      access_log off;
      client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
      uwsgi_temp_path uwsgi; scgi_temp_path scgi;
      ${http}
    }`)
  // Without `-e`, nginx would first open the log of the machine.
  const options = ['-p', directory, '-e', join(directory, 'logs', 'error.log'), '-c', join(directory, 'nginx.conf')]
  const nginx = spawn(program as string, options, { stdio: ['ignore', 'inherit', 'inherit'] })
  const exit = once(nginx, 'exit')
  t.teardown(async () => {
    nginx.kill()
    await exit
    rmSync(directory, { recursive: true, force: true })
  })
  const address = `http://127.0.0.1:${port}`
  for (
    let answers = false; !answers && nginx.exitCode === null; await sleep(20)
  ) answers = await fetch(address).then(() => true, () => false)
  return address
}
