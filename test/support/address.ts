// An address that leads to one of several servers, as a name or a proxy does in a failover.
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Test } from 'tap'

export interface Address {
  readonly url: string
  /** Makes new connections lead to another server. Open connections stay where they are. */
  moveTo (url: string): void
}

/** Returns an address that leads to the server at `url`. The end of the test closes it. */
export async function addressOf (t: Test, url: string): Promise<Address> {
  let { port } = new URL(url)
  const sockets = new Set<Socket>()
  const listener = createServer((client) => {
    const server = connect(Number(port), '127.0.0.1')
    for (const [socket, other] of [[client, server], [server, client]] as const) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
      socket.pipe(other)
    }
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    listener.close()
  })
  const address = new URL(url)
  address.port = String((listener.address() as AddressInfo).port)
  return { url: String(address), moveTo: (url) => { port = new URL(url).port } }
}
