import { readLines } from '../../services/input-lines.js'

// In characters. This is the maximum that an import accepts if `data` may have 1 MiB.
const maxLength = 6 * 1024 * 1024 + 32 * 1024

/** Returns the names of all scopes in the lines of an import. Ignores lines that are not valid. */
export async function findScopes (bytes: AsyncIterable<Uint8Array>): Promise<string[]> {
  const scopes = new Set<string>()
  for await (const { value } of readLines(bytes, maxLength)) {
    const found = (value as { token?: { scopes?: unknown } | null } | null | undefined)?.token?.scopes
    if (Array.isArray(found)) for (const scope of found) if (typeof scope === 'string') scopes.add(scope)
  }
  return [...scopes].sort()
}
