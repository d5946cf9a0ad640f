import type { ImportToken, ImportUser } from '../../schemas/import.js'
import { isLegacyValue } from '../../services/token-value.js'
import { limitNotes, toScopes, type LimitCounts } from './permissions.js'
import { readRecords, type FileRecord } from './read-records.js'
import { note, skipped, SourceError, type SourceLine } from './source-line.js'
import { createTokenForms, withOptions, type TokenForms } from './token-forms.js'
import { isEmail, isFalse, placeholderEmail, readJson, toData, toName, toTime } from './values.js'

// Unkey writes 8 or more random bytes in base 58. The numbers are the minimum and maximum of characters.
const base58 = '[1-9A-HJ-NP-Za-km-z]'
const lengths = [11, 255] as const

// The user of all keys without an owner.
const noOwner = 'no-owner'

/** Facts about all keys that a source has read so far. */
interface State extends LimitCounts {
  usesPermissions: boolean
  forms: TokenForms
  owners: Set<string>
  withoutEmail: number
}

/**
 * Reads the keys in a file of Unkey: pages of `apis.listKeys`, or rows of the table `keys`. Only rows have hashes. A
 * page has values only of recoverable keys, and only if the page was requested with `decrypt`.
 *
 * The ids of all owners are in memory, because the keys of an owner may be anywhere in the file.
 *
 * @throws {SourceError} if the file is not JSON, or has a record that is not a key
 */
export function readUnkey (file: string): AsyncGenerator<SourceLine> {
  const forms = createTokenForms()
  return withOptions(readLines(file, forms), forms)
}

async function * readLines (file: string, forms: TokenForms): AsyncGenerator<SourceLine> {
  const usesPermissions = await hasPermissions(file)
  const counts = { withoutEmail: 0, withoutPermission: 0, rateLimited: 0 }
  const state: State = { usesPermissions, forms, owners: new Set(), ...counts }
  let number = 0
  for await (const key of readRecords(file)) {
    number++
    // Without this check, each record of a wrong file would become a key without an owner.
    if ((key.keyId ?? key.id) === undefined) {
      throw new SourceError(`Record ${number} of the file is no key, because it has no id`)
    }
    const user = ownerOf(key)
    if (!state.owners.has(user.ref)) {
      state.owners.add(user.ref)
      if (user.email !== user.ref) state.withoutEmail++
      yield { user, record: `owner ${user.ref}` }
    }
    yield * keyLines(key, user.ref, state)
  }
  if (state.withoutEmail > 0) {
    yield note(undefined,
      `${state.withoutEmail} owners have no e-mail address: their users get one that ends in @unkey.invalid.`)
  }
  yield * limitNotes(state)
}

async function hasPermissions (file: string): Promise<boolean> {
  for await (const key of readRecords(file)) if (permissionsOf(key).length > 0) return true
  return false
}

function permissionsOf ({ permissions }: FileRecord): string[] {
  const { value } = readJson(permissions)
  return Array.isArray(value) ? value.map(String) : []
}

/**
 * Returns the owner of a key as a user. Unkey stores no e-mail addresses. The external id of an owner is usually an id
 * of the app, and sometimes an address.
 */
function ownerOf ({ identity, externalId, ownerId, identityId }: FileRecord): ImportUser {
  const external = toName(identity?.externalId ?? externalId ?? ownerId)
  const ref = external ?? toName(identityId) ?? noOwner
  return {
    ref,
    email: isEmail(ref) ? ref : placeholderEmail(ref, 'unkey'),
    name: ref.slice(0, 255),
    data: external === undefined ? undefined : { ...toData(readJson(identity?.meta).value), externalId: external }
  }
}

function * keyLines (key: FileRecord, user: string, state: State): Generator<SourceLine> {
  const record = `key ${key.keyId ?? key.id}`
  const expires = toTime(key.expires)
  const secret = readSecret(key)
  const reason = reasonToSkip(key) ??
    (expires === null ? 'expires is no time from 1970 to 9999.' : undefined) ??
    (secret === undefined ? 'The file has neither a SHA-256 nor the value of the key: create a new token.' : undefined)
  if (reason !== undefined) {
    yield skipped(record, reason)
    return
  }
  addForm(state.forms, key)
  const { scopes, invalid } = toScopes(permissionsOf(key), state.usesPermissions, state)
  if (invalid.length > 0) yield note(record, `These permissions cannot be scopes: ${invalid.join(', ')}.`)
  if (key.roles?.length > 0) yield note(record, `The roles ${key.roles.join(', ')} are not imported.`)
  const meta = readJson(key.meta)
  if (!meta.isExact || !key.isExact) yield note(record, 'A number that JavaScript cannot represent is rounded.')
  const remaining = key.credits?.remaining ?? key.remaining ?? key.remainingRequests
  const isUsedUp = remaining === 0 && !(key.credits?.refill ?? key.refill ?? key.refillAmount)
  if (isUsedUp) yield note(record, 'The key has no remaining uses, so the token becomes disabled.')
  else if (typeof remaining === 'number') yield note(record, 'The number of uses of the key is no longer limited.')
  if (key.ratelimits?.length > 0 || key.ratelimit || key.ratelimitLimit) state.rateLimited++

  const token: ImportToken = {
    user,
    ...secret,
    name: toName(key.name),
    scopes,
    start: toName(key.start),
    data: toData(meta.value),
    disabled: isUsedUp || isFalse(key.enabled) || undefined,
    created_at: toTime(key.createdAt ?? (key.createdAtM || undefined)) ?? undefined,
    expires_at: expires ?? undefined,
    last_used_at: toTime(key.lastUsedAt ?? key.lastUsed) ?? undefined
  }
  yield { token, record }
}

/** Returns the reason why a row of the table `keys` is not imported. Returns `undefined` if it is a key that works. */
function reasonToSkip ({ deletedAt, deletedAtM, forWorkspaceId, pendingMigrationId }: FileRecord): string | undefined {
  if (deletedAt || deletedAtM) return 'The key is deleted.'
  if (forWorkspaceId) return 'The key is a root key of Unkey itself.'
  // A key with `pendingMigrationId` has not been used since its migration to Unkey, so Unkey still has the hash of the
  // system that the app used before.
  return pendingMigrationId ? 'The hash is that of an earlier system.' : undefined
}

function readSecret ({ hash, plaintext }: FileRecord): Pick<ImportToken, 'sha256' | 'value'> | undefined {
  if (typeof plaintext === 'string' && isLegacyValue(plaintext)) return { value: plaintext }
  // Unkey writes a SHA-256 as base64.
  return /^[A-Za-z0-9+/]{43}=$/.test(hash) ? { sha256: hash } : undefined
}

/** Adds the form of a key. Most keys have base 58, after a prefix that ends in an underscore or without a prefix. */
function addForm (forms: TokenForms, { start, plaintext }: FileRecord): void {
  const [, prefix = ''] = /^(.*_)?/s.exec(String(start ?? '')) as RegExpExecArray
  const isUsual = new RegExp(`^${base58}{${lengths.join()}}$`)
  if (typeof plaintext === 'string' && !isUsual.test(plaintext.slice(prefix.length))) forms.addOther(plaintext)
  else forms.add(prefix, base58, ...lengths)
}
