import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { Test } from 'tap'
import {
  openVexaAdmin, type ImportInput, type ImportLine, type ImportOptions, type OpenVexaAdmin, type OpenVexaAdminOptions
} from '../../src/index.js'
import { emptyStorage } from './databases.js'

export const sha256 = (value: string) => createHash('sha256').update(value).digest('hex')
export const user = (ref: string, members: object = {}) => ({ user: { ref, email: `${ref}@example.com`, ...members } })
export const token = (ref: string, value: string, members: object = {}) =>
  ({ token: { user: ref, sha256: sha256(value), ...members } })
export const textOf = (lines: readonly object[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join('')

export async function open (t: Test, options: OpenVexaAdminOptions = {}): Promise<OpenVexaAdmin> {
  const admin = await openVexaAdmin({ storage: emptyStorage(t), legacyTokens: [/sk_\w+/], ...options })
  t.teardown(admin.close)
  return admin
}

const prefixed = (kind: string, numbers: object) =>
  Object.fromEntries(Object.entries(numbers).map(([name, n]) => [`${kind} ${name}`, n]))

/** Imports lines. Returns the numbers that are not zero, the issues, and the ids of the users by their refs. */
export async function run (admin: OpenVexaAdmin, lines: unknown, options: ImportOptions = {}) {
  const issues: string[] = []
  const ids: Record<string, string> = {}
  const result = await admin.import(lines as ImportInput, {
    onIssue: ({ line, kind, message }) => { issues.push(`${line} ${kind}: ${message}`) },
    onUser: ({ ref, id }) => { ids[ref] = id },
    ...options
  })
  const { users, tokens, ...rest } = result
  const counts = { ...prefixed('user', users), ...prefixed('token', tokens), ...rest }
  const { lines: count, ...kinds } = counts as Record<string, number>
  assert.equal(Object.values(kinds).reduce((sum, n) => sum + n, 0), count, 'each line counts once')
  return { counts: Object.fromEntries(Object.entries(kinds).filter(([, n]) => n > 0)), issues, ids }
}

export async function exported (admin: OpenVexaAdmin): Promise<ImportLine[]> {
  const lines: ImportLine[] = []
  for await (const line of admin.export()) lines.push(line)
  return lines
}
