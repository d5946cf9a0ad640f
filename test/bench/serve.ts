// Serves one contender, by its name, over a database. It answers each message with the resources used since the last
// one, or, if the message has tokens, with the CPU that a check of them takes.
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { load } from './contender.js'
import type { Checks } from './measure.js'

const [name, where] = process.argv.slice(2) as [string, string]
const begin = performance.now()
const { app, token, check } = await load(name, where)
await app.ready()
const ready = performance.now() - begin
const url = await app.listen({ port: 0, host: '127.0.0.1' })

/** Measures the CPU for each check in microseconds: one check after the other, or all of the tokens at once. */
async function cpuOfCheck ({ tokens, atOnce, seconds }: Checks & { seconds: number }): Promise<number> {
  const checkOne = (n: number) => check?.(token ?? tokens[n % tokens.length] as string)
  const before = process.cpuUsage()
  const end = performance.now() + 1000 * seconds
  let n = 0
  while (performance.now() < end) {
    if (atOnce) await Promise.all(tokens.map(() => checkOne(n++)))
    else for (let i = 0; i < 100; i++) await checkOne(n++)
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / n
}

let last = process.cpuUsage()
const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
process.on('message', async (message: Checks & { seconds: number } | object) => {
  if ('tokens' in message) {
    process.send?.({ cpu: await cpuOfCheck(message) })
    return
  }
  const { user, system } = process.cpuUsage(last)
  // The delay of a timer of 1 ms, in milliseconds.
  process.send?.({
    cpu: user + system,
    delay: delay.percentile(99) / 1e6 - 1,
    resident: process.memoryUsage.rss() / 2 ** 20
  })
  last = process.cpuUsage()
  delay.reset()
})
process.send?.({ url, token, ready })
