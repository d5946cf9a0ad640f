// Serves one contender, by its name, over a database file; answers each message with the CPU that it has used since the last, in microseconds.
import { adminKey, contenders, type Contender } from './apps/index.js'

const [name, filename] = process.argv.slice(2) as [string, string]
const { app, token } = await (contenders[name] as (filename: string) => Promise<Contender>)(filename)
const url = await app.listen({ port: 0, host: '127.0.0.1' })
let last = process.cpuUsage()
process.on('message', () => {
  const { user, system } = process.cpuUsage(last)
  last = process.cpuUsage()
  process.send?.({ cpu: user + system })
})
process.send?.({ url, token, adminKey })
