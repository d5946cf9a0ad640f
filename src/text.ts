/**
 * The form in which text is searched, and an e-mail address kept and compared: Unicode NFC and lower case.
 * Normalised again after the change of case, because that may leave NFC.
 */
export function searchable (text: string): string {
  return text.normalize('NFC').toLowerCase().normalize('NFC')
}
