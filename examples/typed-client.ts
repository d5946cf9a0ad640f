// A client with types: TypeScript checks the paths, parameters and replies that it uses.
// `npm run openapi` makes the types from the OpenAPI document. Run the client with:
//   ADMIN_API_KEY=the-key npx tsx examples/typed-client.ts http://localhost:3000
import createClient from 'openapi-fetch'
import type { components, paths } from './openapi-types.js'

const client = createClient<paths>({
  baseUrl: process.argv[2] ?? 'http://localhost:3000',
  headers: { 'X-Admin-API-Key': process.env.ADMIN_API_KEY }
})

type User = components['schemas']['User']
const isNewest = (user: User, users: User[] = []) => users[0]?.email === user.email

const { data: user, error } = await client.POST('/admin/users', {
  body: { email: `user${Date.now()}@example.com`, name: 'John Doe' }
})
if (error) throw new Error(error.message)

const { data: token } = await client.POST('/admin/users/{id}/tokens', {
  params: { path: { id: user.id } },
  body: { name: 'CI', expires_in: 3600 }
})
const { data: verification } = await client.POST('/admin/tokens/verify', { body: { token: token?.token ?? '' } })
const { data: users } = await client.GET('/admin/users', { params: { query: { limit: 10, order: 'desc' } } })

console.log(JSON.stringify({ created: user.id, valid: verification?.valid, newest: isNewest(user, users) }))
