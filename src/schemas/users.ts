import { Type, type Static } from '@sinclair/typebox'
import { Count, Email, Nullable, Text, Timestamp } from './atoms.js'
import { Token } from './tokens.js'

const UserId = Type.String({ examples: ['user-123'] })

/** A user, as on the wire. */
export const User = Type.Object({
  id: UserId,
  email: Type.String({ examples: ['user@example.com'] }),
  name: Type.Union([Type.String(), Type.Null()], { examples: ['John Doe'] }),
  max_concurrent_bots: Type.Integer({ examples: [3] }),
  created_at: Timestamp
})
export type User = Static<typeof User>

/** A user with its tokens, their values hidden. */
export const UserWithTokens = Type.Object({
  ...User.properties,
  api_tokens: Type.Array(Token)
})
export type UserWithTokens = Static<typeof UserWithTokens>

/** Body of `POST /users`. */
export const CreateUser = Type.Object({
  email: Email,
  name: Type.Optional(Nullable(Text(255))),
  max_concurrent_bots: Type.Optional(Count)
}, { additionalProperties: false })
export type CreateUser = Static<typeof CreateUser>

/** Path of the routes of one user. */
export const UserParams = Type.Object({ id: UserId })
