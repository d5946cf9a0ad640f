import { Type } from '@sinclair/typebox'
import { Expected } from './annotations.js'

/** The last argument of each call that changes something. */
export interface ChangeOptions {
  /** Who makes the change, for the events: 1 to 255 printable characters, no white space at either end. Absent: nobody is named. */
  actor?: string | undefined
}

// Without characters that cannot be seen: two actors who look alike are one.
export const Actor = Type.RegExp(/^(?!\s)[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]{1,255}(?<!\s)$/u, {
  [Expected]: 'Expected 1 to 255 printable characters, without white space at either end'
})

/** Schema of ChangeOptions. Never part of a document. */
export const ChangeOptions = Type.Object({ actor: Type.Optional(Actor) }, {
  additionalProperties: false,
  [Expected]: 'Expected { actor }, or nothing, as the last argument'
})
