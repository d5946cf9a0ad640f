import type { ImportIssue, ImportResult } from '../index.js'
import type { Columns, Output } from './output.js'
import type { FoundOptions } from './import-input.js'
import type { SourceNote } from './sources/source-line.js'

/** The last object of the report of an import with `--json`. */
export interface ImportSummary extends ImportResult {
  /** Whether the import has read all lines. */
  complete: boolean
  dry_run: boolean
  /** The options that the app needs for the tokens. */
  options: FoundOptions
}

/** Reports an import: as JSON on stdout, or as sentences on stderr and a table on stdout. */
export interface ImportReport {
  note (note: SourceNote): Promise<void>
  /**
   * Reports a line that is rejected or has a conflict. `record` names the record of the other system that became the
   * line.
   */
  issue (issue: ImportIssue, record: string | undefined): Promise<void>
  progress (result: ImportResult): Promise<void>
  end (summary: ImportSummary): Promise<void>
}

/** Creates the report of an import. */
export function createImportReport (output: Output): ImportReport {
  let leftOut = 0

  /** Prints the value as JSON. Without `--json`, removes the progress from the terminal and prints the sentence. */
  async function print (value: object, sentence: string): Promise<void> {
    if (output.isJson) return output.done(value, sentence)
    await output.progress('')
    await output.note(sentence)
  }

  return {
    async note (note) {
      const { record, skipped, text } = note
      if (skipped) leftOut++
      await print({ note }, `${record === undefined ? '' : `${record}${skipped ? ' is left out' : ''}: `}${text}`)
    },
    async issue (issue, record) {
      const sentence = `${record ?? `Line ${issue.line}`}: ${issue.kind}: ${issue.message}`
      await print({ issue: record === undefined ? issue : { ...issue, record } }, sentence)
    },
    progress: ({ lines, users, tokens }) =>
      output.progress(`Importing: ${lines} lines, ${users.created} new users, ${tokens.created} new tokens`),
    async end (summary) {
      await output.progress('')
      await output.value({ summary: { ...summary, left_out: leftOut } }, columns)
    }
  }
}

const columns: Columns<{ summary: ImportSummary & { left_out: number } }> = [
  ['STATE', ({ summary }) => `${summary.complete ? 'complete' : 'stopped'}${summary.dry_run ? ', a dry run' : ''}`],
  ['LINES', ({ summary }) => summary.lines],
  ['USERS', ({ summary }) => toCounts(summary.users)],
  ['TOKENS', ({ summary }) => toCounts(summary.tokens)],
  ['INVALID', ({ summary }) => summary.invalid],
  ['LEFT OUT', ({ summary }) => summary.left_out],
  ['OPTIONS', ({ summary: { options: { scopes, legacyTokens } } }) =>
    `scopes: ${JSON.stringify(scopes)}, legacyTokens: ${legacyTokens === undefined
      ? 'as in the app that accepted the tokens before'
      : `[${legacyTokens.map((form) => String(new RegExp(form))).join(', ')}]`}`]
]

function toCounts (counts: Record<string, number>): string {
  return Object.entries(counts).filter(([, count]) => count > 0).map(([name, count]) => `${count} ${name}`).join(', ')
}
