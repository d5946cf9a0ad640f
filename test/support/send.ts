import { request as httpRequest, type Agent } from 'node:http'

/** Sends a request over a real socket. Resolves with the status, and the body if it is a JSON object. */
export function send (
  agent: Agent, method: string, url: string, headers: Record<string, string>, body?: object
): Promise<{ status: number, body: unknown }> {
  return new Promise((resolve, reject) => {
    const json = body && { 'content-type': 'application/json' }
    const request = httpRequest(url, { method, agent, headers: { ...headers, ...json } }, (reply) => {
      let text = ''
      // A connection that breaks within a reply causes an error of the reply.
      reply.on('error', reject)
      reply.on('data', (data) => { text += data })
      reply.on('end', () => {
        const parsed = text === '' ? undefined : JSON.parse(text.startsWith('{') ? text : 'null')
        resolve({ status: reply.statusCode as number, body: parsed })
      })
    })
    request.on('error', reject)
    request.end(body && JSON.stringify(body))
  })
}
