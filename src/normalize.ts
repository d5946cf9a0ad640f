/**
 * Returns the form in which an e-mail address is stored and compared: Unicode NFC and lower case. The text is
 * normalised twice, because the lower case of an NFC text may not be NFC.
 */
export function normalizeEmail (text: string): string {
  return text.normalize('NFC').toLowerCase().normalize('NFC')
}

/**
 * Returns the form of text for a search: the form of e-mail addresses, but with σ in place of ς. `toLowerCase`
 * turns a capital sigma into ς only at the end of a word, and a substring may end before its word does.
 */
export function normalizeForSearch (text: string): string {
  return normalizeEmail(text).replaceAll('\u03C2', '\u03C3')
}
