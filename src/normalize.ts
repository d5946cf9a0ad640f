/**
 * Returns the form in which an e-mail address is kept and compared: Unicode NFC and lower case. It is normalised
 * twice, because the change of case may leave NFC.
 */
export function normalizeEmail (text: string): string {
  return text.normalize('NFC').toLowerCase().normalize('NFC')
}

/**
 * Returns the form in which text is searched: that of addresses, with σ in place of ς. Lower case turns a capital
 * sigma into ς at the end of a word and σ elsewhere, and a substring does not show where its word ends.
 */
export function normalizeForSearch (text: string): string {
  return normalizeEmail(text).replaceAll('\u03C2', '\u03C3')
}
