/**
 * Returns the form in which an e-mail address is stored and compared: Unicode NFC and lower case. The text is
 * normalised twice, because the lower case of an NFC text may not be NFC.
 */
export function normalizeEmail (text: string): string {
  return text.normalize('NFC').toLowerCase().normalize('NFC')
}

/**
 * Returns the form of a text for a search: the result of normalizeEmail, with σ in place of each ς. `toLowerCase` turns
 * a capital sigma into ς only at the end of a word. A searched text may end in the middle of a word, where a stored
 * text has σ.
 */
export function normalizeForSearch (text: string): string {
  return normalizeEmail(text).replaceAll('\u03C2', '\u03C3')
}
