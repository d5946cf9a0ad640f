import type { OpenStorage, TokenRecord, TokenWithUser, UserRecord } from '../storage-adapter.js'

const time = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/

/** Throws an Error with the code `INVALID_RECORD` unless `isRight` is true. */
function must (isRight: boolean, member: string): void {
  if (isRight) return
  const message = `The storage returned a record whose \`${member}\` does not have the form that StorageAdapter defines`
  throw Object.assign(new Error(message), { code: 'INVALID_RECORD' })
}

const isText = (value: unknown) => typeof value === 'string'
const isTextOrNull = (value: unknown) => value === null || typeof value === 'string'
const isInteger = (value: unknown) => Number.isSafeInteger(value)
const isTime = (value: unknown) => typeof value === 'string' && time.test(value)
const isTimeOrNull = (value: unknown) => value === null || isTime(value)

function checkUser (user: UserRecord): void {
  must(isText(user.id), 'id')
  must(isText(user.email), 'email')
  must(isTextOrNull(user.name), 'name')
  must(isInteger(user.max_concurrent_bots), 'max_concurrent_bots')
  must(typeof user.disabled === 'boolean', 'disabled')
  must(user.data === null || (typeof user.data === 'object' && !Array.isArray(user.data)), 'data')
  must(typeof user.revision === 'number', 'revision')
  must(isTime(user.created_at), 'created_at')
}

/** Throws an Error unless the token has the form that StorageAdapter defines. */
export function checkToken (token: TokenRecord): void {
  must(isText(token.id), 'id')
  must(isText(token.user_id), 'user_id')
  must(isTextOrNull(token.name), 'name')
  // A string must not pass, because its `includes` would find `admin` in `admin:read`.
  must(token.scopes === null || (Array.isArray(token.scopes) && token.scopes.every(isText)), 'scopes')
  must(isTimeOrNull(token.expires_at), 'expires_at')
  must(token.expires_in === null || isInteger(token.expires_in), 'expires_in')
  must(isTimeOrNull(token.last_used_at), 'last_used_at')
  must(isTime(token.created_at), 'created_at')
}

function checkTokenWithUser ({ token, user }: TokenWithUser): void {
  checkToken(token)
  checkUser(user)
}

type Answer<Name extends keyof OpenStorage> = Awaited<ReturnType<OpenStorage[Name]>>

const unchecked = <T>(answer: T): T => answer

const outcomeOr = <T extends object>(check: (record: T) => void) =>
  <Outcome extends string>(answer: T | Outcome): T | Outcome => {
    if (typeof answer !== 'string') check(answer)
    return answer
  }

const absentOr = <T>(check: (record: T) => void) => (answer: T | undefined): T | undefined => {
  // Many stores return null for an absent record.
  const record = answer ?? undefined
  if (record !== undefined) check(record)
  return record
}

const listOf = <T>(check: (record: T) => void) => (answer: T[]): T[] => {
  for (const record of answer) check(record)
  return answer
}

/**
 * Functions that check the answer of a method and return it, with `undefined` in place of `null`. They throw an Error
 * if a record does not have the form that StorageAdapter defines, because such a record must not give access.
 */
export const checkAnswer: { readonly [Name in keyof OpenStorage]: (answer: Answer<Name>) => Answer<Name> } = {
  close: unchecked,
  createUser: outcomeOr(checkUser),
  findUser: absentOr(checkUser),
  findUserByEmail: absentOr(checkUser),
  listUsers: listOf(checkUser),
  countUsers (answer) {
    must(isInteger(answer), 'count')
    return answer
  },
  updateUser: outcomeOr(checkUser),
  deleteUser: unchecked,
  createToken: outcomeOr(checkToken),
  findTokenByHash: absentOr(checkTokenWithUser),
  listTokens: listOf(checkToken),
  rotateToken: outcomeOr(checkToken),
  revokeToken: unchecked,
  revokeTokens: unchecked,
  touchTokens: unchecked
}
