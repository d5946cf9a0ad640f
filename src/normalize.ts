/**
 * The form in which an e-mail address is kept and compared: Unicode NFC and lower case.
 * Normalised again after the change of case, because that may leave NFC.
 */
export function normalizeEmail (text: string): string {
  return text.normalize('NFC').toLowerCase().normalize('NFC')
}

/**
 * The form in which text is searched: that of addresses, with one small sigma. Lower case makes of a capital one ς or σ by what comes
 * next, and of what is searched for, that is unknown.
 */
export function normalizeForSearch (text: string): string {
  return normalizeEmail(text).replaceAll('\u03C2', '\u03C3')
}
