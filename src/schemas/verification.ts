import { Type, type Static } from '@sinclair/typebox'
import { Component } from './annotations.js'
import { OneOf } from './primitives.js'
import { Token } from './tokens.js'
import { User } from './users.js'

/** What a look at a token's value found. */
export const Verification = Type.Union([
  Type.Object({ valid: Type.Literal(true), user: User, token: Token }),
  Type.Object({
    valid: Type.Literal(false),
    code: OneOf(['NOT_FOUND', 'EXPIRED', 'DISABLED', 'INSUFFICIENT_SCOPE'], {
      description: 'There is no such token (any more); it has expired; its user is disabled; it lacks one of the scopes asked for.'
    })
  })
], { [Component]: 'Verification', description: 'Whether it is valid, and if not, why', examples: [{ valid: true, user: User.examples[0], token: Token.examples[0] }, { valid: false, code: 'EXPIRED' }] })
export type Verification = Static<typeof Verification>
