// Control characters could move the cursor or change the title of a terminal. Characters that change the direction of
// writing could make one name look like another.
const controls = /[\p{Control}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu

/** Replaces each control character by its escape in JSON, such as `\u001b`. */
export function escapeControls (text: string): string {
  return text.replace(controls, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
