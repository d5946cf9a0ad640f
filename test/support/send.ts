import { request as httpRequest, type Agent } from 'node:http'

/** A request over a real socket; its reply, the body parsed if it is a JSON object. */
export function send (agent: Agent, method: string, url: string, headers: Record<string, string>, body?: object): Promise<{ status: number, body: unknown }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method, agent, headers: { ...headers, ...(body && { 'content-type': 'application/json' }) } }, (reply) => {
      let text = ''
      // A connection that breaks in the middle of a reply is an error of the reply.
      reply.on('error', reject)
      reply.on('data', (data) => { text += data })
      reply.on('end', () => resolve({ status: reply.statusCode as number, body: text === '' ? undefined : JSON.parse(text.startsWith('{') ? text : 'null') }))
    })
    request.on('error', reject)
    request.end(body && JSON.stringify(body))
  })
}
