import { Type, type Static } from '@sinclair/typebox'
import { Timestamp } from './atoms.js'

const TokenId = Type.String({ examples: ['token-123'] })

/** A token, as on the wire. Its value is shown once, by the call that made it, and is `***` ever after. */
export const Token = Type.Object({
  id: TokenId,
  token: Type.String({ examples: ['***'] }),
  user_id: Type.String({ examples: ['user-123'] }),
  created_at: Timestamp
})
export type Token = Static<typeof Token>

/** Body of `POST /users/:id/tokens`: no member so far, and the body itself may be missing. */
export const CreateToken = Type.Object({}, { additionalProperties: false })
export type CreateToken = Static<typeof CreateToken>

/** Path of the routes of one token. */
export const TokenParams = Type.Object({ id: TokenId })
