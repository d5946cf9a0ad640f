// Starts Redis servers for tests.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Test } from 'tap'
import { quickDirectory } from './quick-directory.js'
import { freePort, type DatabaseServer } from './servers.js'

const program = (process.env.PATH ?? '').split(delimiter).map((path) => join(path, 'redis-server')).find(existsSync)

/** Returns the reason why there can be no server, or `false` if there can. Throws instead where `CI=true`. */
export function redisUninstalled (): string | false {
  if (program !== undefined) return false
  const reason = 'redis-server is not installed'
  if (process.env.CI === 'true') throw new Error(reason)
  return reason
}

/** Starts a server with no data, which has a change on its disk before it answers. It is killed after the test. */
export async function startRedis (t: Test): Promise<Pick<DatabaseServer, 'url' | 'start' | 'crash'>> {
  // The server waits for its disk after each write, and /dev/shm is memory.
  const directory = mkdtempSync(join(quickDirectory, 'redis-'))
  const port = await freePort()
  const durable = ['--save', '', '--appendonly', 'yes', '--appendfsync', 'always']
  const args = ['--dir', directory, '--port', String(port), '--bind', '127.0.0.1', ...durable]
  let running: ChildProcess | undefined
  const server = {
    url: `redis://127.0.0.1:${port}`,
    async start () {
      const child = spawn(program as string, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      running = child
      let log = ''
      for await (const line of createInterface(child.stdout)) {
        log += `${line}\n`
        if (line.includes('Ready to accept connections')) break
      }
      if (!log.includes('Ready to accept connections')) throw new Error(`redis-server has ended:\n${log}`)
      child.stdout.resume()
    },
    async crash () {
      const ended = running && once(running, 'exit')
      running?.kill('SIGKILL')
      await ended
      running = undefined
    }
  }
  t.teardown(async () => {
    await server.crash()
    rmSync(directory, { recursive: true, force: true })
  })
  await server.start()
  return server
}
