import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

/** Starts a proxy that changes the path of each request. Returns its origin. The end of the test closes it. */
export async function startProxy (t: Test, origin: string, toApp: (path: string) => string): Promise<string> {
  const proxy = createServer((incoming, reply) => {
    const { url = '', method, headers } = incoming
    const outgoing = request(origin, { path: toApp(url), method, headers }, (fromApp) => {
      reply.writeHead(Number(fromApp.statusCode), fromApp.headers)
      fromApp.pipe(reply)
    })
    // The browser cancels searches.
    reply.on('close', () => outgoing.destroy())
    outgoing.on('error', () => reply.destroy())
    incoming.pipe(outgoing)
  }).listen(0, '127.0.0.1')
  t.teardown(() => {
    proxy.closeAllConnections()
    proxy.close()
  })
  await new Promise((resolve) => proxy.once('listening', resolve))
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
}
