import { Type, type Static } from '@sinclair/typebox'
import { Component } from './annotations.js'
import { OneOf, timestamp, type Input } from './primitives.js'
import { Text } from './text.js'
import { Time } from './time.js'

const actions = [
  'user.created', 'user.updated', 'user.deleted', 'token.created', 'token.updated', 'token.rotated', 'token.revoked'
] as const

/** An entry of the audit trail, as in the HTTP API. */
export const AuditEntry = Type.Object({
  id: Type.String({ examples: ['audit-9'] }),
  at: timestamp({ description: 'The time of the change.' }),
  action: OneOf(actions),
  user_id: Type.String({ examples: ['user-123'], description: 'The user, or the user of the token.' }),
  actor: Type.Optional(Type.String({
    description: 'The admin who made the change: the name of the admin key, or the fingerprint of a key without a name, ' +
      'or the actor that the app named. Absent if there is no name.'
  })),
  request_id: Type.Optional(Type.String({
    description: 'The id of the request in the log of the app. Absent if the app made the change without a request.'
  })),
  token_id: Type.Optional(Type.String({
    description: 'The token. Absent if a user was changed, or if all tokens of a user were revoked.'
  })),
  successor_id: Type.Optional(Type.String({ description: 'The token that a rotation created.' })),
  changed: Type.Optional(Type.Array(Type.String(), { description: 'The names of the members that an update set.' }))
}, {
  [Component]: 'AuditEntry',
  description: 'An entry of the audit trail',
  examples: [{
    id: 'audit-9',
    at: '2024-01-01T12:00:00.000Z',
    action: 'user.updated',
    user_id: 'user-123',
    actor: 'ops',
    request_id: 'req-7',
    changed: ['disabled']
  }]
})
export type AuditEntry = Static<typeof AuditEntry>

const oneByOne = ' The database reads entries one by one until the page is full.'

/** Query of `GET /audit`. */
export const ListAudit = Type.Object({
  after: Type.Optional(Type.String({
    pattern: '^audit-[\\w-]{1,64}$',
    description: 'Start after the entry with this id. The entry itself may have been deleted.'
  })),
  limit: Type.Optional(Type.Integer({
    minimum: 1,
    maximum: 1000,
    default: 100,
    description: 'Maximum number of entries to return.'
  })),
  order: Type.Optional(OneOf(['asc', 'desc'], {
    default: 'desc',
    description: 'In the order of the changes: `asc` from the oldest entry, `desc` from the newest.'
  })),
  user_id: Type.Optional(Type.String({
    description: 'Return only entries about this user and its tokens. A malformed id matches nothing.'
  })),
  token_id: Type.Optional(Type.String({
    description: 'Return only entries whose `token_id` is this id. The entry of a rotation has the old token as its ' +
      '`token_id`. To find the rotation that created a token, use `user_id`. A malformed id matches nothing.'
  })),
  action: Type.Optional(OneOf(actions, { description: `Return only entries with this action.${oneByOne}` })),
  actor: Type.Optional(Text(255, { description: `Return only entries with this actor.${oneByOne}` })),
  since: Type.Optional(Time({ description: `Return only entries of this time or later.${oneByOne}` })),
  until: Type.Optional(Time({ description: `Return only entries from before this time.${oneByOne}` }))
}, { additionalProperties: false })
export type ListAudit = Input<Static<typeof ListAudit>>
