// Serves one contender, by its name, over a database; answers each message with what it has used since the last.
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { load } from './contender.js'

const [name, where] = process.argv.slice(2) as [string, string]
const begin = performance.now()
const { app, token } = await load(name, where)
await app.ready()
const ready = performance.now() - begin
const url = await app.listen({ port: 0, host: '127.0.0.1' })

let last = process.cpuUsage()
const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
process.on('message', () => {
  const { user, system } = process.cpuUsage(last)
  // What a timer of 1 ms was late, in milliseconds.
  process.send?.({ cpu: user + system, delay: delay.percentile(99) / 1e6 - 1, resident: process.memoryUsage.rss() / 2 ** 20 })
  last = process.cpuUsage()
  delay.reset()
})
process.send?.({ url, token, ready })
