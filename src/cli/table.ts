import { escapeControls } from './escape.js'

export type Cell = string | number | null | undefined

/**
 * Creates a function that formats the rows of a table. Each later call formats more rows of the same table. With
 * `isAligned`, the function aligns the columns, and otherwise it puts a tab between them. An empty cell becomes `-`.
 */
export function createTable (isAligned: boolean): (rows: ReadonlyArray<readonly Cell[]>) => string {
  const widths: number[] = []
  return (given) => {
    const rows = given.map((row) => row.map((cell) => escapeControls(String(cell ?? '')) || '-'))
    if (!isAligned) return rows.map((row) => `${row.join('\t')}\n`).join('')
    for (const row of rows) {
      for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, [...cell].length)
    }
    return rows.map((row) => `${row.map((cell, i) => pad(cell, widths[i] as number)).join('  ').trimEnd()}\n`).join('')
  }
}

/** Adds spaces up to a number of Unicode characters. `padEnd` would count UTF-16 code units. */
function pad (cell: string, width: number): string {
  return cell + ' '.repeat(width - [...cell].length)
}
