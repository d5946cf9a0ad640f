import type { FastifyInstance } from 'fastify'
import type { VexaContext } from '../context.js'
import { flag, model, nullable, read, recordOf, text, webAddress } from '../read.js'
import { serve } from '../serve.js'
import { changeData } from '../user-data.js'

const webhook = model({
  webhook_url: webAddress,
  webhook_secret: nullable(text(512)),
  webhook_events: nullable(recordOf(flag))
}, { required: ['webhook_url'] })

/** Registers the routes that set and read the webhook of the user whose token the request sends. */
export function webhookRoutes (fastify: FastifyInstance, { users, guards, shapes, strict }: VexaContext): void {
  /** Returns the members of `data` that a body changes. A member that is `undefined` is to be removed. */
  function changesIn (body: unknown): Record<string, unknown> {
    const { webhook_secret: secret, ...given } = read(webhook, body, ['body'])
    const members = { ...given, ...secret !== undefined && { webhook_secret: secret?.trim() || null } }
    // In Vexa 0.10, `null` removes the stored member. In Vexa 0.12, `null` leaves the stored member as it is.
    const changed = Object.entries(members).filter(([, value]) => !strict || value !== null)
    return Object.fromEntries(changed.map(([name, value]) => [name, value ?? undefined]))
  }

  serve(fastify, '/user/webhook', {
    PUT: {
      guard: guards.user,
      // The limit is small, because users send this body, and not admins.
      bodyLimit: 64 * 1024,
      async reply ({ apiUser: { id }, body }) {
        const members = changesIn(body)
        return shapes.user(await users.edit(id, (user) => changeData(user, members), { actor: id }))
      }
    },
    GET: {
      guard: guards.user,
      async reply ({ apiUser: { data = {} } }) {
        const { webhook_url: url = null, webhook_secret: secret, webhook_events: events = null } = data
        return {
          webhook_url: url,
          webhook_secret_set: Boolean(secret),
          webhook_secret: secret ? mask(String(secret)) : null,
          webhook_events: events
        }
      }
    }
  })
}

/**
 * Returns asterisks in place of a secret. For a long secret, adds its last four characters, so that people recognise
 * it.
 */
function mask (secret: string): string {
  return '********' + (secret.length > 8 ? secret.slice(-4) : '')
}
