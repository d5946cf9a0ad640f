import type {
  AuditRecord, AuditTrail, HashedToken, ImportedToken, ImportedUser, ListedToken, OpenStorage, PortableMethods,
  TokenRecord, TokenWithUser, UserRecord
} from '../storage-adapter.js'

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
const isObjectOrNull = (value: unknown) => typeof value === 'object' && !Array.isArray(value)

function checkListedUser (user: ListedToken['user']): void {
  must(isText(user.id), 'id')
  must(isText(user.email), 'email')
  must(isTextOrNull(user.name), 'name')
}

function checkUser (user: UserRecord): void {
  checkListedUser(user)
  must(isInteger(user.max_concurrent_bots), 'max_concurrent_bots')
  must(typeof user.disabled === 'boolean', 'disabled')
  must(isObjectOrNull(user.data), 'data')
  must(typeof user.revision === 'number', 'revision')
  must(isTime(user.created_at), 'created_at')
}

/** Throws an Error unless the token has the form that StorageAdapter defines. */
export function checkToken (token: TokenRecord): void {
  must(isText(token.id), 'id')
  must(isText(token.user_id), 'user_id')
  must(isTextOrNull(token.name), 'name')
  // A string is not accepted in place of an array, because `includes` of the string `admin:read` would find the scope
  // `admin`.
  must(token.scopes === null || (Array.isArray(token.scopes) && token.scopes.every(isText)), 'scopes')
  must(isTimeOrNull(token.expires_at), 'expires_at')
  must(token.expires_in === null || isInteger(token.expires_in), 'expires_in')
  must(typeof token.disabled === 'boolean', 'disabled')
  must(isObjectOrNull(token.data), 'data')
  must(isTextOrNull(token.start), 'start')
  must(isTimeOrNull(token.last_used_at), 'last_used_at')
  must(isTime(token.created_at), 'created_at')
}

function checkTokenWithUser ({ token, user }: TokenWithUser): void {
  checkToken(token)
  checkUser(user)
}

function checkListedToken ({ token, user }: ListedToken): void {
  checkToken(token)
  checkListedUser(user)
}

function checkEntry (entry: AuditRecord): void {
  must(isText(entry.id), 'id')
  must(isTime(entry.at), 'at')
  must(isText(entry.action), 'action')
  must(isTextOrNull(entry.actor), 'actor')
  must(isTextOrNull(entry.request_id), 'request_id')
  must(isText(entry.user_id), 'user_id')
  must(isTextOrNull(entry.token_id), 'token_id')
  must(isTextOrNull(entry.successor_id), 'successor_id')
  must(entry.changed === null || (Array.isArray(entry.changed) && entry.changed.every(isText)), 'changed')
}

type Answer<Name extends keyof OpenStorage> = Awaited<ReturnType<OpenStorage[Name]>>

type PortableAnswer<Name extends keyof PortableMethods> = Awaited<ReturnType<PortableMethods[Name]>>[number]

const unchecked = <T>(answer: T): T => answer

const outcomeOr = <T extends object>(check: (record: T) => void) =>
  <Outcome extends string>(answer: T | Outcome): T | Outcome => {
    if (typeof answer !== 'string') check(answer)
    return answer
  }

const absentOr = <T>(check: (record: T) => void) => (answer: T | undefined): T | undefined => {
  // Many storages return null for an absent record.
  const record = answer ?? undefined
  if (record !== undefined) check(record)
  return record
}

const listOf = <T>(check: (record: T) => void) => (answer: T[]): T[] => {
  for (const record of answer) check(record)
  return answer
}

interface Pruned { deleted: number, last?: string | undefined }

const checkPruned = ({ deleted, last }: Pruned): Pruned => {
  must(isInteger(deleted), 'deleted')
  const isDone = last === undefined || last === null
  must(isDone || isText(last), 'last')
  return isDone ? { deleted } : { deleted, last }
}

const checkCount = (answer: number): number => {
  must(isInteger(answer), 'count')
  return answer
}

/** Throws an Error if there is a successor that does not have the form that StorageAdapter defines. */
export const checkSuccessor = absentOr(checkToken)

/**
 * Functions that check the answer of a method and return it. In place of `null`, they return `undefined`. They throw an
 * Error if a record does not have the form that StorageAdapter defines, because a wrong record must not give access.
 */
export const checkAnswer: { readonly [Name in keyof OpenStorage]: (answer: Answer<Name>) => Answer<Name> } = {
  close: unchecked,
  createUser: outcomeOr(checkUser),
  findUser: absentOr(checkUser),
  findUserByEmail: absentOr(checkUser),
  listUsers: listOf(checkUser),
  countUsers: checkCount,
  updateUser: outcomeOr(checkUser),
  deleteUser: unchecked,
  createToken: outcomeOr(checkToken),
  findTokenByHash: absentOr(checkTokenWithUser),
  findToken: absentOr(checkListedToken),
  listTokens: listOf(checkListedToken),
  countTokens: checkCount,
  updateToken: outcomeOr(checkToken),
  rotateToken: outcomeOr(checkToken),
  revokeToken: unchecked,
  revokeTokens: unchecked,
  pruneTokens: checkPruned,
  touchTokens: unchecked
}

/** Functions that check the answers of the methods of the audit trail, as the functions of `checkAnswer` do. */
export const checkAuditAnswer = {
  listAudit: listOf(checkEntry),
  pruneAudit: checkPruned
} satisfies Record<keyof AuditTrail, unknown>

function checkImportedUser (outcome: ImportedUser | string): void {
  if (typeof outcome === 'string') return
  must(typeof outcome.created === 'boolean', 'created')
  checkUser(outcome.user)
}

function checkImportedToken (outcome: ImportedToken | string): void {
  if (typeof outcome === 'string') return
  must(typeof outcome.created === 'boolean', 'created')
  checkToken(outcome.token)
}

/** Returns a function that checks the outcomes of an import. There must be one outcome for each record of the batch. */
const outcomesFor = <T>(records: readonly unknown[], check: (outcome: T) => void) => (answer: T[]): T[] => {
  must(answer.length === records.length, 'length')
  return listOf(check)(answer)
}

/** Functions that check the answers of the methods for imports and exports, as the functions of `checkAnswer` do. */
export const checkPortableAnswer = {
  importUsers: (records: readonly unknown[]) => outcomesFor<PortableAnswer<'importUsers'>>(records, checkImportedUser),
  importTokens: (records: readonly unknown[]) =>
    outcomesFor<PortableAnswer<'importTokens'>>(records, checkImportedToken),
  listHashedTokens: listOf(({ token, hash }: HashedToken) => {
    checkToken(token)
    must(Buffer.isBuffer(hash) && hash.length === 32, 'hash')
  })
} satisfies Record<keyof PortableMethods, unknown>
