import type { ImportedToken, TokenToImport } from '../storage/storage-adapter.js'
import { toId } from './ids.js'
import type { TokenOfLine } from './import-records.js'
import type { ImportRun } from './import-run.js'

export type BatchedToken = TokenOfLine & { line: number }

type TokenOutcome = ImportedToken | 'absent' | 'rejected' | 'new'

// In a dry run, a user that would be created has no key yet. This text takes the place of the key. No storage creates
// this key.
const noKey = 'new'

/**
 * Imports the tokens of a batch, and counts and reports their lines. The users of the batch must be imported before.
 */
export async function importTokens (run: ImportRun, tokens: readonly BatchedToken[]): Promise<void> {
  // `refs` lacks a user of the batch whose line was rejected.
  for (const token of tokens) if (!run.refs.has(token.ref)) await rejectOrphan(run, token)
  const known = tokens.filter(({ ref }) => run.refs.has(ref))
  if (known.length === 0) return
  const records = known.map(({ ref, record }) => ({ ...record, user_id: run.refs.get(ref) ?? noKey }))
  const outcomes = await run.portable.importTokens(
    { records, dryRun: run.dryRun }, run.createEntry('token.created', run.source)
  )
  for (const [n, { line }] of known.entries()) {
    const [record, outcome] = [records[n] as TokenToImport, outcomes[n] as TokenOutcome]
    const fault = faultOf(run, record, outcome)
    if (fault !== undefined) await reject(run, line, fault)
    else if (typeof outcome === 'object' && !outcome.created) {
      run.result.tokens.present++
      if (isStricter(record, outcome)) {
        const id = toId('token', outcome.token.id)
        const message = `The stored token ${id} stays valid longer than the line: update or revoke it`
        await run.report(line, 'conflict', message)
      }
    } else run.result.tokens.created++
    if (typeof outcome === 'object' && outcome.created) {
      const { id, user_id: userId } = outcome.token
      run.publish('token:created', run.source, { tokenId: toId('token', id), userId: toId('user', userId) })
    }
  }
}

/** Rejects a token whose user is not imported. */
export async function rejectOrphan (run: ImportRun, { line }: { line: number }): Promise<void> {
  await reject(run, line, '/token/user No earlier line that was imported has this ref')
}

async function reject ({ report, result }: ImportRun, line: number, message: string): Promise<void> {
  result.tokens.rejected++
  await report(line, 'rejected', message)
}

/**
 * Returns whether the line is stricter than the stored token: only the line is disabled, or the line expires earlier.
 */
function isStricter (record: TokenToImport, { token: stored }: ImportedToken): boolean {
  if (record.disabled && !stored.disabled) return true
  return record.expires_at !== null && (stored.expires_at === null || record.expires_at < stored.expires_at)
}

/** Returns the reason for which a token is rejected, or `undefined` if the token is stored or would be created. */
function faultOf ({ keepIds }: ImportRun, record: TokenToImport, outcome: TokenOutcome): string | undefined {
  if (outcome === 'rejected') return '/token/id Another token has this id, or the storage cannot use it as a key'
  if (outcome === 'absent' && record.user_id !== noKey) return '/token/user The user has been deleted meanwhile'
  if (typeof outcome === 'string' || outcome.created) return undefined
  const { id, user_id: userId } = outcome.token
  if (userId !== record.user_id) return `/token Another user, ${toId('user', userId)}, has this token`
  if (keepIds && id !== record.id) return `/token/id This token is stored as ${toId('token', id)}`
  return undefined
}
