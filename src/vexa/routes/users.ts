import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import type { User } from '../../schemas/users.js'
import type { VexaContext } from '../context.js'
import { DetailError } from '../detail-error.js'
import { readId } from '../ids.js'
import { jsonOf, pagesOf, readPage } from '../pages.js'
import { serve, type Operations } from '../serve.js'
import { analyticsUser } from '../shapes.js'
import { readNewUser, readPatch } from '../user-bodies.js'

const rejectPath = async () => { throw new DetailError(404, 'Not Found') }

// The operation of a path that Vexa 0.12 does not have. Without this operation, the app itself would reply, and its
// error would have a different form.
const missing: Operations = { GET: { guard: rejectPath, reply: rejectPath } }

/** Registers the routes of users. */
export function userRoutes (fastify: FastifyInstance, { users, guards, shapes, strict, admin }: VexaContext): void {
  const list = (toItem: (user: User) => object): Operations => ({
    GET: {
      guard: guards.reader,
      async reply ({ query }, reply) {
        const pages = pagesOf(users, readPage(query))
        // The first page is read before the reply begins, so that an outage is a 503.
        const first = await pages.next()
        reply.type('application/json; charset=utf-8')
        return Readable.from(jsonOf(first.value, pages, toItem), { highWaterMark: 1 })
      }
    }
  })

  serve(fastify, '/admin/users', {
    // Vexa 0.12 has no lists of users.
    ...!strict && list(shapes.user),
    POST: {
      guard: guards.admin,
      async reply ({ body }, reply) {
        const { user, created } = await users.findOrCreate(readNewUser(body, strict), admin)
        reply.code(created ? 201 : 200)
        return shapes.user(user)
      }
    }
  })

  serve(fastify, '/admin/analytics/users', strict ? missing : list(analyticsUser))

  // An address may be longer than the router allows for a parameter, and may contain a slash.
  serve(fastify, '/admin/users/email/*', {
    GET: {
      guard: guards.admin,
      reply: async ({ params }) => shapes.user(await users.getByEmail(params['*'].replace(/\/$/, '')))
    }
  })

  serve(fastify, '/admin/users/:user_id', {
    GET: {
      guard: guards.admin,
      reply: async ({ params }) => shapes.userWithTokens(await users.get(readId('user', params.user_id)))
    },
    PATCH: {
      guard: guards.admin,
      async reply ({ params, body }) {
        const id = readId('user', params.user_id)
        return shapes.user(await users.edit(id, readPatch(body, strict), admin))
      }
    }
  })
}
