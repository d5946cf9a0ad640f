import type { AuditEntry, FoundToken, Token, User, Verification } from '../index.js'
import type { Columns } from './output.js'

/** Columns of a list of users. */
export const userColumns: Columns<User> = [
  ['ID', ({ id }) => id],
  ['EMAIL', ({ email }) => email],
  ['NAME', ({ name }) => name],
  ['BOTS', ({ max_concurrent_bots: bots }) => bots],
  ['STATE', ({ disabled }) => disabled ? 'disabled' : 'active'],
  ['CREATED', ({ created_at: createdAt }) => createdAt]
]

/** Lines of the output for one user. */
export const userDetails: Columns<User> = [
  ...userColumns,
  ['DATA', ({ data }) => data && JSON.stringify(data)]
]

/** Columns of a list of tokens. */
export const tokenColumns: Columns<Token> = [
  ['ID', ({ id }) => id],
  ['USER', ({ user_id: userId }) => userId],
  ['NAME', ({ name }) => name],
  ['START', ({ start }) => start],
  ['SCOPES', ({ scopes }) => scopes?.join(',')],
  ['STATE', stateOf],
  ['EXPIRES', ({ expires_at: expiresAt }) => expiresAt],
  ['LAST USED', ({ last_used_at: lastUsedAt }) => lastUsedAt],
  ['CREATED', ({ created_at: createdAt }) => createdAt]
]

/** Lines of the output for one token. */
export const tokenDetails: Columns<Token> = [
  ...tokenColumns,
  ['DATA', ({ data }) => data && JSON.stringify(data)]
]

/** Columns of a list of tokens of all users. */
export const foundTokenColumns: Columns<FoundToken> = [
  ...tokenColumns.slice(0, 2) as Columns<FoundToken>,
  ['EMAIL', ({ user }) => user.email],
  ...tokenColumns.slice(2) as Columns<FoundToken>
]

/** Lines of the output for one token, with the address of its user. */
export const foundTokenDetails: Columns<FoundToken> = [
  ...tokenDetails as Columns<FoundToken>,
  ['EMAIL', ({ user }) => user.email]
]

/** Lines of the output for a verification. */
export const verificationDetails: Columns<Verification> = [
  ['VALID', ({ valid }) => valid ? 'yes' : 'no'],
  ['CODE', (verification) => verification.valid ? null : verification.code],
  ['TOKEN', (verification) => verification.valid ? verification.token.id : null],
  ['USER', (verification) => verification.valid ? verification.user.id : null],
  ['EMAIL', (verification) => verification.valid ? verification.user.email : null]
]

/** Columns of the audit trail. */
export const auditColumns: Columns<AuditEntry> = [
  ['ID', ({ id }) => id],
  ['TIME', ({ at }) => at],
  ['ACTION', ({ action }) => action],
  ['ACTOR', ({ actor }) => actor],
  ['USER', ({ user_id: userId }) => userId],
  ['TOKEN', ({ token_id: tokenId }) => tokenId],
  ['SUCCESSOR', ({ successor_id: successorId }) => successorId],
  ['CHANGED', ({ changed }) => changed?.join(',')],
  ['REQUEST', ({ request_id: requestId }) => requestId]
]

function stateOf ({ disabled, expires_at: expiresAt }: Token): string {
  if (expiresAt !== undefined && Date.parse(expiresAt) <= Date.now()) return 'expired'
  return disabled ? 'disabled' : 'active'
}
