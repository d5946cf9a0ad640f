import type { ImportToken, ImportUser } from '../../schemas/import.js'

/** A remark for the person who imports. It never holds the value of a token. */
export interface SourceNote {
  /** The record that the note is about, such as `users row 7`. Absent if the note is about the whole source. */
  record?: string
  /** Present if the import leaves out the record. */
  skipped?: true
  /** One or more sentences. */
  text: string
}

/** The options that the app needs to accept the imported tokens. */
export interface NeededOptions {
  /** The names of all scopes of tokens. */
  scopes: string[]
  /** The sources of the regular expressions for the option `legacyTokens`. */
  legacyTokens: string[]
}

/**
 * A line that a source yields: a user, a token or a note. The last line has the options that the app needs. `record`
 * names the record in the other system.
 */
export type SourceLine = { user: ImportUser, record: string } | { token: ImportToken, record: string } |
  { note: SourceNote } | { options: NeededOptions }

/** The other system cannot be read. The message is for the person who imports. */
export class SourceError extends Error {}

/** Creates a line with a note about a record that is imported, or about the whole source. */
export function note (record: string | undefined, text: string): SourceLine {
  return { note: record === undefined ? { text } : { record, text } }
}

/** Creates a line with a note about a record that the import leaves out. */
export function skipped (record: string, text: string): SourceLine {
  return { note: { record, skipped: true, text } }
}
