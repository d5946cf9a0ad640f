import { Type, type Static } from '@sinclair/typebox'
import { Component } from './annotations.js'
import { Email } from './email.js'
import { JsonObject } from './json-object.js'
import { Count, Nullable, OneOf, Timestamp, type Input } from './primitives.js'
import { Text } from './text.js'
import { Token } from './tokens.js'

const exampleUser = {
  id: 'user-123',
  email: 'user@example.com',
  name: 'John Doe',
  max_concurrent_bots: 3,
  created_at: '2024-01-01T12:00:00.000Z'
}

/** A user, as in the HTTP API. */
export const User = Type.Object({
  id: Type.String({ examples: ['user-123'] }),
  email: Type.String({ examples: ['user@example.com'], description: 'Unique, in Unicode NFC and lower case.' }),
  name: Type.Union([Type.String(), Type.Null()], {
    examples: ['John Doe'],
    description: 'null if the user has no name.'
  }),
  max_concurrent_bots: Type.Integer({
    examples: [3],
    description: 'Number of bots that the user may run at the same time. The app enforces this limit.'
  }),
  created_at: Timestamp,
  disabled: Type.Optional(Type.Boolean({
    description: 'Present, and true, only while the user is disabled. Every token of a disabled user is rejected.'
  })),
  data: Type.Optional(JsonObject({ description: 'Present if the user has data.' }))
}, { [Component]: 'User', description: 'The user', examples: [exampleUser] })
export type User = Static<typeof User>

/** A user with its tokens. The tokens show `***` in place of their values. */
export const UserWithTokens = Type.Object({
  ...User.properties,
  api_tokens: Type.Array(Token, { description: 'The newest 1000 tokens, the oldest of them first.' })
}, {
  [Component]: 'UserWithTokens',
  description: 'The user, with its tokens',
  examples: [{ ...exampleUser, api_tokens: Token.examples }]
})
export type UserWithTokens = Static<typeof UserWithTokens>

/** Body of `POST /users`. */
export const CreateUser = Type.Object({
  email: Email,
  name: Type.Optional(Nullable(Text(255))),
  max_concurrent_bots: Type.Optional(Count({
    description: 'Number of bots that the user may run at the same time. The app sets the default, usually 3.'
  })),
  data: Type.Optional(JsonObject({
    description: 'Any JSON object. The app sets its largest size as JSON, usually 16 KiB.'
  }))
}, {
  [Component]: 'CreateUser',
  additionalProperties: false,
  examples: [{ email: 'user@example.com', name: 'John Doe', max_concurrent_bots: 3 }]
})
export type CreateUser = Input<Static<typeof CreateUser>>

/** Body of `PATCH /users/:id`. An absent member stays as it is. */
export const UpdateUser = Type.Object({
  email: Type.Optional(Email),
  name: Type.Optional(Nullable(Text(255))),
  max_concurrent_bots: Type.Optional(Count({
    description: 'Number of bots that the user may run at the same time.'
  })),
  disabled: Type.Optional(Type.Boolean({ description: 'While true, every token of the user is rejected.' })),
  data: Type.Optional(Nullable(JsonObject({ description: 'A JSON Merge Patch (RFC 7396). null removes all data.' })))
}, {
  [Component]: 'UpdateUser',
  additionalProperties: false,
  // Documentation pages fill in the example, so sending it unchanged must change nothing.
  examples: [{}]
})
export type UpdateUser = Input<Static<typeof UpdateUser>>

/** Body of `PUT /users/:id/data`. */
export const UserData = JsonObject({
  [Component]: 'UserData',
  description: 'Any JSON object. The object replaces the data of the user as a whole.',
  examples: [{ plan: 'pro' }]
})

/** Query of `GET /users`. */
export const ListUsers = Type.Object({
  skip: Type.Optional(Type.Integer({
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    default: 0,
    description: 'Number of users to skip.'
  })),
  limit: Type.Optional(Type.Integer({
    minimum: 1,
    maximum: 1000,
    default: 100,
    description: 'Maximum number of users to return.'
  })),
  after: Type.Optional(Type.String({
    pattern: '^user-[\\w-]{1,64}$',
    description: 'Start after the user with this id. The user itself may have been deleted.'
  })),
  order: Type.Optional(OneOf(['asc', 'desc'], {
    default: 'asc',
    description: 'In order of creation: `asc` from the oldest user, `desc` from the newest.'
  })),
  search: Type.Optional(Text(255, {
    description: 'Return only users whose e-mail address or name contains this text, in any letter case.'
  })),
  disabled: Type.Optional(Type.Boolean({
    description: 'true: return only disabled users. false: return only users who are not disabled.'
  })),
  count: Type.Optional(Type.Boolean({
    default: false,
    description: 'Whether the header `X-Total-Count` of the reply gives the number of all matching users.'
  }))
}, { additionalProperties: false })
export type ListUsers = Input<Static<typeof ListUsers>>

/** Path of the routes of one user. Documentation pages fill in the example, so no user has this id. */
export const UserParams = Type.Object({ id: Type.String({ examples: ['user-0'] }) })
