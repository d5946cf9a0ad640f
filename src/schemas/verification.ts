import { Type, type Static } from '@sinclair/typebox'
import { Component } from './annotations.js'
import { OneOf } from './primitives.js'
import { Token } from './tokens.js'
import { User } from './users.js'

/** The result of a verification: the user and the token, or the reason why the token is not valid. */
export const Verification = Type.Union([
  Type.Object({ valid: Type.Literal(true), user: User, token: Token }),
  Type.Object({
    valid: Type.Literal(false),
    code: OneOf(['NOT_FOUND', 'EXPIRED', 'TOKEN_DISABLED', 'DISABLED', 'INSUFFICIENT_SCOPE'], {
      description: 'NOT_FOUND: the token does not exist. EXPIRED: it has expired. TOKEN_DISABLED: it is disabled. ' +
        'DISABLED: its user is disabled. INSUFFICIENT_SCOPE: it lacks one of the requested scopes. If several apply, ' +
        'the first of them is returned.'
    })
  })
], {
  [Component]: 'Verification',
  description: 'Whether the token is valid. If the token is not valid, also the reason',
  examples: [
    { valid: true, user: User.examples[0], token: Token.examples[0] },
    { valid: false, code: 'EXPIRED' }
  ]
})
export type Verification = Static<typeof Verification>
