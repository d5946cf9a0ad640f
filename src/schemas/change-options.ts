import { Type } from '@sinclair/typebox'
import { Expected } from './annotations.js'

/** The last argument of each call that changes something. */
export interface ChangeOptions {
  /**
   * The actor that events and the audit trail name: 1 to 255 printable characters, without white space at either end.
   * If absent, events and the audit trail name no actor.
   */
  actor?: string | undefined
}

// Invisible characters are rejected, because with them, different names could look the same.
const actorForm = /^(?!\s)[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]{1,255}(?<!\s)$/u

/** Schema of the name of an actor. */
export const Actor = Type.RegExp(actorForm, {
  [Expected]: 'Expected 1 to 255 printable characters, without white space at either end'
})

/** Schema of ChangeOptions. OpenAPI documents do not contain it. */
export const ChangeOptions = Type.Object({ actor: Type.Optional(Actor) }, {
  additionalProperties: false,
  [Expected]: 'Expected { actor }, or nothing, as the last argument'
})
