import { domainToASCII, domainToUnicode } from 'node:url'
import { Kind, Type, TypeRegistry } from '@sinclair/typebox'
import { normalizeEmail } from '../normalize.js'
import { Expected } from './annotations.js'
import { canNormalize, lengthOf } from './text.js'

const EmailKind = 'VexaAdmin:Email'

TypeRegistry.Set(EmailKind, (_schema, value) =>
  typeof value === 'string' && canNormalize(value) && isEmail(normalizeEmail(value)))

/**
 * Schema of an e-mail address: 3 to 254 characters, with one `@` between a local part and a domain.
 * The domain may be a single name. White space, invisible characters and `"(),:;<>[\]` are not valid.
 * The check applies to the normalised address, which is the stored form.
 */
export const Email = Type.Unsafe<string>({
  [Kind]: EmailKind,
  [Expected]: 'Expected an e-mail address of at most 254 characters, such as user@example.com',
  type: 'string',
  minLength: 3,
  maxLength: 254,
  description: 'An e-mail address that has no white space, no invisible characters, and none of `"(),:;<>[\\]`. ' +
    'The address is stored in Unicode NFC and lower case, and is unique in this form.',
  examples: ['user@example.com']
})

// RFC 5322 and 6531, without quotes, comments and address literals. The local part may have single dots inside.
const emailForm = /^([^"(),.:;<>@[\\\]]+(?:\.[^"(),.:;<>@[\\\]]+)*)@([-.a-z\d\x80-\u{10ffff}]+)$/u

// A label of a domain, as in RFC 1123 and 5891.
const domainLabel = /^(?!-|(?!xn)..--)[-a-z\d]{1,63}(?<!-)$/

// Finds a combining mark at the start, invisible characters (U+2800 is a Braille pattern without dots), and characters
// that Unicode has not assigned. A later version of Unicode may assign such a character and define its lower case.
const hasUnsafeCharacter = /^\p{M}|[\s\p{C}\p{Default_Ignorable_Code_Point}\u2800]/u

function isEmail (email: string): boolean {
  if (lengthOf(email) > 254 || hasUnsafeCharacter.test(email)) return false
  const [, local = '', domain = ''] = emailForm.exec(email) ?? []
  const ascii = domainToASCII(domain)
  if (lengthOf(`${local}@${ascii}`) > 254 || !ascii.split('.').every((label) => domainLabel.test(label))) return false
  // From Node.js 24 on, `domainToASCII` accepts an invalid `xn--` label, and `domainToUnicode` leaves it as it is.
  return !/(?:^|\.)xn--/.test(domainToUnicode(ascii))
}
