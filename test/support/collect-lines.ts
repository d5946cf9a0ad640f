import type { SourceLine, SourceNote } from '../../src/cli/sources/source-line.js'
import type { ImportToken, ImportUser } from '../../src/schemas/import.js'

export interface Collected {
  /** All lines, in their order. */
  lines: SourceLine[]
  users: ImportUser[]
  tokens: ImportToken[]
  notes: SourceNote[]
  scopes: string[]
  legacyTokens: string[]
}

/** Reads all lines of a source, as JSON would hold them. */
export async function collect (source: AsyncGenerator<SourceLine>): Promise<Collected> {
  const found: Collected = { lines: [], users: [], tokens: [], notes: [], scopes: [], legacyTokens: [] }
  for await (const sent of source) {
    const line: SourceLine = JSON.parse(JSON.stringify(sent))
    found.lines.push(line)
    if ('user' in line) found.users.push(line.user)
    else if ('token' in line) found.tokens.push(line.token)
    else if ('note' in line) found.notes.push(line.note)
    else Object.assign(found, line.options)
  }
  return found
}
