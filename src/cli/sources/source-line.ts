import type { ImportToken, ImportUser } from '../../schemas/import.js'

/** A remark for the person who imports. It never holds the value of a token. */
export interface SourceNote {
  /** The record that the note is about, such as `users row 7`. Absent if the note is about the whole source. */
  record?: string
  /** Present if the import does not have the record. */
  skipped?: true
  /** One or more sentences. */
  text: string
}

/** The options that the app needs, so that it accepts the tokens. */
export interface NeededOptions {
  /** The names of all scopes of tokens. */
  scopes: string[]
  /** Sources of regular expressions, for `legacyTokens`. */
  legacyTokens: string[]
}

/**
 * A line that a source yields: a user, a token or a note, and at the end the options that the app needs. `record` names
 * the record in the other system.
 */
export type SourceLine = { user: ImportUser, record: string } | { token: ImportToken, record: string } |
  { note: SourceNote } | { options: NeededOptions }

/** Another system cannot be read. The message is for the person who imports. */
export class SourceError extends Error {}

/** Creates the line of a note about a record that the import has, or about the whole source. */
export function note (record: string | undefined, text: string): SourceLine {
  return { note: record === undefined ? { text } : { record, text } }
}

/** Creates the line of a note about a record that the import does not have. */
export function skipped (record: string, text: string): SourceLine {
  return { note: { record, skipped: true, text } }
}
