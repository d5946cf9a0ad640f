import { domainToASCII, domainToUnicode } from 'node:url'
import { Kind, Type, TypeRegistry } from '@sinclair/typebox'
import { normalizeEmail } from '../normalize.js'
import { Expected } from './annotations.js'
import { canNormalize, lengthOf } from './text.js'

const EmailKind = 'VexaAdmin:Email'

TypeRegistry.Set(EmailKind, (_schema, value) => typeof value === 'string' && canNormalize(value) && isEmail(normalizeEmail(value)))

/**
 * An e-mail address: 3 to 254 characters, with something before its one `@` and a domain after it, which may be a single name.
 * No quotes, comments, angle brackets, white space or characters that do not show. Checked in the form in which it is kept.
 */
export const Email = Type.Unsafe<string>({
  [Kind]: EmailKind,
  [Expected]: 'Expected an e-mail address of at most 254 characters, such as user@example.com',
  type: 'string',
  minLength: 3,
  maxLength: 254,
  description: 'Something before one `@`, and a domain after it, without quotes, comments and white space. Kept in Unicode NFC and lower case, and unique in that form.',
  examples: ['user@example.com']
})

// By RFC 5322 and 6531, without quotes, comments and literal addresses: runs of characters with a dot between them, `@`, and a domain.
const emailForm = /^([^"(),.:;<>@[\\\]]+(?:\.[^"(),.:;<>@[\\\]]+)*)@([-.a-z\d\x80-\u{10ffff}]+)$/u

// By RFC 1123 and 5891.
const domainLabel = /^(?!-|(?!xn)..--)[-a-z\d]{1,63}(?<!-)$/

function isEmail (email: string): boolean {
  // No characters that do not show, no unassigned ones, which may get another lower case, and no mark that has nothing to stand on.
  // U+2800 is a Braille pattern without dots.
  if (lengthOf(email) > 254 || /^\p{M}|[\s\p{C}\p{Default_Ignorable_Code_Point}\u2800]/u.test(email)) return false
  const [, local = '', domain = ''] = emailForm.exec(email) ?? []
  const ascii = domainToASCII(domain)
  if (lengthOf(`${local}@${ascii}`) > 254 || !ascii.split('.').every((label) => domainLabel.test(label))) return false
  // From Node.js 24 on, `domainToASCII` takes an `xn--` that stands for nothing, and `domainToUnicode` leaves it as it is.
  return !/(?:^|\.)xn--/.test(domainToUnicode(ascii))
}
