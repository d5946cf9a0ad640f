import type { ChangeSource, Publish } from '../events.js'
import type { CreateToken, RotateToken, TokenBodyOptions, UpdateToken, VerifyToken } from '../schemas/token-bodies.js'
import type { FindTokens, FoundToken, ListTokens } from '../schemas/token-lists.js'
import type { Token } from '../schemas/tokens.js'
import type { Verification } from '../schemas/verification.js'
import type { LastUsed } from '../storage/decorators/last-used.js'
import type { Storage } from '../storage/storage-adapter.js'
import type { CreateEntry } from './audit-entries.js'
import { createTokenChanges } from './token-changes.js'
import { createTokenChecks } from './token-checks.js'
import { createTokenLists } from './token-lists.js'
import { createTokenRevocations } from './token-revocations.js'
import type { TokenService } from './token-service.js'
import type { TokenFormOptions } from './token-value.js'

/**
 * A page of tokens. `more` tells whether more tokens follow. With `count`, `total` is the number of matching tokens.
 */
export interface TokenList<T = Token> { tokens: T[], more: boolean, total?: number | undefined }

/** The token service for the routes and hooks of this package. Routes and hooks pass the source of each change. */
export interface TokenRouteService extends Pick<TokenService, 'get'> {
  find (query: FindTokens): Promise<TokenList<FoundToken>>
  list (userId: string, page: ListTokens): Promise<TokenList>
  create (userId: string, token: CreateToken | undefined, source: ChangeSource): Promise<Token>
  update (id: string, changes: UpdateToken, source: ChangeSource): Promise<Token>
  rotate (id: string, rotation: RotateToken | undefined, source: ChangeSource): Promise<Token>
  revoke (id: string, source: ChangeSource): Promise<void>
  /**
   * Revokes the token that has this value, even if it is disabled or has expired, or its user is disabled. Does nothing
   * if there is no such token.
   *
   * @throws {TokenReferencedError} 409 if a foreign key of the app's own tables refers to the token
   */
  revokeByValue (value: string, source: ChangeSource): Promise<void>
  revokeAll (userId: string, source: ChangeSource): Promise<void>
  prune (expiredBefore: string): ReturnType<TokenService['prune']>
  /**
   * Verifies as the `verify` of TokenService does. If the token lacks scopes, calls `onMissing` with the missing
   * scopes.
   */
  verify (token: VerifyToken, onMissing?: (scopes: string[]) => void): Promise<Verification>
  /** Returns whether a value has the form of a token. Any other value is rejected without a query. */
  mayBeToken (value: string): boolean
}

export interface TokenServiceOptions extends TokenBodyOptions, TokenFormOptions {
  /** Whether the storage keeps the first characters of the values of new tokens. */
  tokenStart: boolean
  /** Maximum size of `data` as JSON, in bytes. */
  maxDataSize: number
}

/** Creates the service for tokens. Each error that `storage` throws must be an error of errors.ts. */
export function createTokenService (
  storage: Storage, publish: Publish, createEntry: CreateEntry, lastUsed: LastUsed, options: TokenServiceOptions
): TokenRouteService {
  return {
    ...createTokenLists(storage, options),
    ...createTokenChanges(storage, publish, createEntry, options),
    ...createTokenRevocations(storage, publish, createEntry, options),
    ...createTokenChecks(storage, lastUsed, options)
  }
}
