import type { StorageAdapter, TokenRecord, TokenWithUser, UserRecord } from '../storage-adapter.js'

const time = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/

function must (isRight: boolean, member: string): void {
  if (!isRight) throw Object.assign(new Error(`The storage gave back a record whose \`${member}\` is not what StorageAdapter says`), { code: 'INVALID_RECORD' })
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

/** @throws {Error} if the token is not what StorageAdapter says */
export function checkToken (token: TokenRecord): void {
  must(isText(token.id), 'id')
  must(isText(token.user_id), 'user_id')
  must(isTextOrNull(token.name), 'name')
  // Text has an `includes`, too: it would find `admin` in `admin:read`.
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

/** Many a store says null where there is nothing. */
const present = (answer: unknown) => answer ?? undefined
const outcomeOr = <T>(check: (record: T) => void) => (answer: any) => {
  if (typeof answer !== 'string') check(answer)
  return answer
}
const absentOr = <T>(check: (record: T) => void) => (answer: any) => {
  if (answer !== undefined && answer !== null) check(answer)
  return present(answer)
}
const listOf = <T>(check: (record: T) => void) => (answer: any) => {
  for (const record of answer) check(record)
  return answer
}

/** Return what a method of a storage answers, and throw an Error if a record in it is not what StorageAdapter says: that must allow nobody anything. */
export const checkAnswer: Readonly<Record<keyof StorageAdapter, (answer: any) => unknown>> = {
  open: present,
  close: present,
  createUser: outcomeOr(checkUser),
  findUser: absentOr(checkUser),
  findUserByEmail: absentOr(checkUser),
  listUsers: listOf(checkUser),
  countUsers (answer) {
    must(isInteger(answer), 'count')
    return answer
  },
  updateUser: outcomeOr(checkUser),
  deleteUser: present,
  createToken: outcomeOr(checkToken),
  findTokenByHash: absentOr(checkTokenWithUser),
  listTokens: listOf(checkToken),
  rotateToken: outcomeOr(checkToken),
  revokeToken: present,
  revokeTokens: present,
  touchTokens: present
}
