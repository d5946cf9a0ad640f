/**
 * Returns a question with up to three names that are similar to a word. Returns an empty text if no name is similar.
 */
export function suggest (word: string, names: readonly string[]): string {
  const near = names.filter((name) => name.startsWith(word) || distance(word, name) <= (name.length > 4 ? 2 : 1))
  return near.length === 0 ? '' : ` Did you mean ${near.slice(0, 3).join(', ')}?`
}

/** Returns the Levenshtein distance of two texts: the number of characters to add, remove or replace. */
function distance (from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i)
  for (const [i, character] of [...from].entries()) {
    const next = [i + 1]
    for (let j = 1; j <= to.length; j++) {
      const replaced = row[j - 1] as number + Number(character !== to[j - 1])
      next.push(Math.min(replaced, row[j] as number + 1, next[j - 1] as number + 1))
    }
    row = next
  }
  return row[to.length] as number
}
