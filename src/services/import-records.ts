import { InvalidInputError } from '../errors.js'
import { normalizeEmail } from '../normalize.js'
import { createTokenLine, expectedLine, UserLine, type ImportToken, type ImportUser } from '../schemas/import.js'
import { isPlainObject } from '../schemas/json-object.js'
import { toRecordTime } from '../schemas/time.js'
import { validator } from '../schemas/validator.js'
import type { TokenToImport, UserToImport } from '../storage/storage-adapter.js'
import { checkDataSize } from './check-data-size.js'
import { copyInput } from './copy-input.js'
import { toKey } from './ids.js'
import { toTime } from './token-times.js'
import { hashTokenValue, isLegacyValue } from './token-value.js'

/**
 * A user from a line of an import. `given` has the members of the line, and `record` has defaults for the absent ones.
 */
export interface UserOfLine { ref: string, given: ImportUser, record: UserToImport }

/**
 * A token from a line of an import. The record has no `user_id`, because the key of the user is known only after the
 * user is stored.
 */
export interface TokenOfLine { ref: string, record: Omit<TokenToImport, 'user_id'> }

export interface LineOptions {
  /** Names of the scopes that a token may have. */
  scopes: readonly string[]
  defaultMaxConcurrentBots: number
  /** Maximum size of `data` as JSON, in bytes. */
  maxDataSize: number
}

// The largest signed integer of four bytes: the column `expires_in` has this size on some databases.
const longestLifetime = 2147483647

/** Returns the user or token of a line. */
export type LineReader = (line: unknown, keepIds: boolean) => { user: UserOfLine } | { token: TokenOfLine }

const validateUser = validator(UserLine)

/**
 * Creates a function that returns the user or token of a line.
 *
 * @throws {InvalidInputError} from the returned function, if the line is not valid. The message never contains the
 * value of a token
 */
export function createLineReader ({ scopes, defaultMaxConcurrentBots, maxDataSize }: LineOptions): LineReader {
  const validateToken = validator(createTokenLine(scopes))

  function readUser (given: ImportUser, keepIds: boolean): UserOfLine {
    const { ref, id, email, name = null, data = null, disabled = false } = given
    const record: UserToImport = {
      email: normalizeEmail(email),
      name,
      max_concurrent_bots: given.max_concurrent_bots ?? defaultMaxConcurrentBots,
      data: checkDataSize(data, maxDataSize),
      disabled,
      created_at: toRecordTime(given.created_at ?? toTime(Date.now()))
    }
    if (keepIds) record.id = keyOf('user', id)
    return { ref, given, record }
  }

  function readToken (given: ImportToken, keepIds: boolean): TokenOfLine {
    const { user, id, name = null, scopes = null, data = null, start = null, disabled = false } = given
    const hash = readHash(given)
    if (start !== null) checkStart(start, hash, given.value)
    const toOptionalTime = (time: string | null | undefined) => time == null ? null : toRecordTime(time)
    const createdAt = toRecordTime(given.created_at ?? toTime(Date.now()))
    const expiresAt = toOptionalTime(given.expires_at)
    const { expires_in: expiresIn } = given
    if (expiresAt === null && typeof expiresIn === 'number') {
      throw new InvalidInputError('/token/expires_in needs expires_at')
    }
    const record: TokenOfLine['record'] = {
      hash,
      name,
      scopes,
      expires_at: expiresAt,
      expires_in: expiresIn === undefined ? lifetimeBetween(createdAt, expiresAt) : expiresIn,
      disabled,
      data: checkDataSize(data, maxDataSize),
      start,
      created_at: createdAt,
      last_used_at: toOptionalTime(given.last_used_at)
    }
    if (keepIds) record.id = keyOf('token', id)
    return { ref: user, record }
  }

  return (value, keepIds) => {
    const line = copyInput(value) as { user: ImportUser, token?: undefined } | { token: ImportToken }
    if (isPlainObject(line) && line.token !== undefined) {
      const token = isPlainObject(line.token) ? withoutNulls(line.token) as ImportToken : line.token
      validateToken({ ...line, token })
      return { token: readToken(token, keepIds) }
    }
    if (!isPlainObject(line) || line.user === undefined) throw new InvalidInputError(expectedLine)
    validateUser(line)
    return { user: readUser(line.user, keepIds) }
  }
}

function withoutNulls (members: object): object {
  return Object.fromEntries(Object.entries(members).filter(([name, value]) => value !== null || name === 'expires_in'))
}

function keyOf (kind: 'user' | 'token', id: string | undefined): string {
  const key = id === undefined ? undefined : toKey(kind, id)
  if (key === undefined) throw new InvalidInputError(`/${kind}/id Expected an id such as ${kind}-7, because of keepIds`)
  return key
}

function readHash ({ sha256, value }: ImportToken): Buffer {
  if ((sha256 === undefined) === (value === undefined)) {
    throw new InvalidInputError('/token Expected either sha256 or value')
  }
  if (value !== undefined) {
    if (isLegacyValue(value)) return hashTokenValue(value)
    throw new InvalidInputError('/token/value Expected 1 to 255 printable ASCII characters without spaces')
  }
  const text = sha256 as string
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex')
  // 43 characters of base64 have two bits more than 32 bytes. In the last character, these two bits must be zero.
  if (/^(?:[A-Za-z\d+/]{42}|[\w-]{42})[AEIMQUYcgkosw048]=?$/.test(text)) return Buffer.from(text, 'base64')
  throw new InvalidInputError('/token/sha256 Expected 32 bytes as hex, base64 or base64url')
}

/** @throws {InvalidInputError} if the start shows more of the value than the operators of an app may see */
function checkStart (start: string, hash: Buffer, value = ''): void {
  if (hash.equals(hashTokenValue(start))) throw new InvalidInputError('/token/start is the value')
  if (value !== '' && 2 * start.length > value.length) {
    throw new InvalidInputError('/token/start has more than half of the value')
  }
}

/**
 * Returns the seconds from `from` to `to`, limited to the lifetimes that the storage can keep. Returns `null` if `to`
 * is `null`.
 */
function lifetimeBetween (from: string, to: string | null): number | null {
  if (to === null) return null
  const seconds = Math.round((Date.parse(to) - Date.parse(from)) / 1000)
  return Math.min(Math.max(seconds, 1), longestLifetime)
}
