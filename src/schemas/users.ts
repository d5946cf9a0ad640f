import { Type, type Static } from '@sinclair/typebox'
import { Component } from './annotations.js'
import { Email } from './email.js'
import { JsonObject } from './json-object.js'
import { Count, Nullable, OneOf, Timestamp, type Input } from './primitives.js'
import { Text } from './text.js'
import { Token } from './tokens.js'

const exampleUser = { id: 'user-123', email: 'user@example.com', name: 'John Doe', max_concurrent_bots: 3, created_at: '2024-01-01T12:00:00.000Z' }

/** A user, as on the wire. */
export const User = Type.Object({
  id: Type.String({ examples: ['user-123'] }),
  email: Type.String({ examples: ['user@example.com'], description: 'In Unicode NFC and lower case; unique.' }),
  name: Type.Union([Type.String(), Type.Null()], { examples: ['John Doe'], description: 'null where none was given.' }),
  max_concurrent_bots: Type.Integer({ examples: [3], description: 'How many bots the user may run at a time. It is the app that enforces it.' }),
  created_at: Timestamp,
  disabled: Type.Optional(Type.Boolean({ description: 'Present, and true, only while the user is disabled: none of its tokens is accepted.' })),
  data: Type.Optional(JsonObject({ description: 'Present where there is any.' }))
}, { [Component]: 'User', description: 'The user', examples: [exampleUser] })
export type User = Static<typeof User>

/** A user with its tokens, their values hidden. */
export const UserWithTokens = Type.Object({
  ...User.properties,
  api_tokens: Type.Array(Token)
}, { [Component]: 'UserWithTokens', description: 'The user, with its tokens', examples: [{ ...exampleUser, api_tokens: Token.examples }] })
export type UserWithTokens = Static<typeof UserWithTokens>

/** Body of `POST /users`. */
export const CreateUser = Type.Object({
  email: Email,
  name: Type.Optional(Nullable(Text(255))),
  max_concurrent_bots: Type.Optional(Count({ description: 'How many bots the user may run at a time. Without, as many as the app says: 3, if it says nothing.' })),
  data: Type.Optional(JsonObject({ description: 'Anything of your own, at most 16 KiB as JSON.' }))
}, { [Component]: 'CreateUser', additionalProperties: false, examples: [{ email: 'user@example.com', name: 'John Doe', max_concurrent_bots: 3 }] })
export type CreateUser = Input<Static<typeof CreateUser>>

/** Body of `PATCH /users/:id`: what to change. What is missing stays as it is. */
export const UpdateUser = Type.Object({
  email: Type.Optional(Email),
  name: Type.Optional(Nullable(Text(255))),
  max_concurrent_bots: Type.Optional(Count({ description: 'How many bots the user may run at a time.' })),
  disabled: Type.Optional(Type.Boolean({ description: 'While true, none of the tokens of the user is accepted.' })),
  data: Type.Optional(Nullable(JsonObject({ description: 'A JSON Merge Patch (RFC 7396); null removes all of it.' })))
}, {
  [Component]: 'UpdateUser',
  additionalProperties: false,
  // Pages fill it in, and it must do no harm when it is sent unread.
  examples: [{}]
})
export type UpdateUser = Input<Static<typeof UpdateUser>>

/** Query of `GET /users`. */
export const ListUsers = Type.Object({
  skip: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, default: 0, description: 'How many to skip.' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100, description: 'How many to return at the most.' })),
  after: Type.Optional(Type.String({ pattern: '^user-[\\w-]{1,64}$', description: 'Start after the user with this id, even if it has been deleted since.' })),
  order: Type.Optional(OneOf(['asc', 'desc'], { default: 'asc', description: 'In order of creation, or the other way round.' })),
  search: Type.Optional(Text(255, { description: 'Only users whose e-mail address or name contains this, ignoring case.' })),
  count: Type.Optional(Type.Boolean({ default: false, description: 'Whether to say in `X-Total-Count` how many there are.' }))
}, { additionalProperties: false })
export type ListUsers = Input<Static<typeof ListUsers>>

/** Path of the routes of one user. Pages fill in the example, so it is the id of nobody: the keys of storages begin at 1. */
export const UserParams = Type.Object({ id: Type.String({ examples: ['user-0'] }) })
