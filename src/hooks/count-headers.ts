/** Returns how many headers of a request have a name, in lower case. Node drops repeated headers of some names. */
export function countHeaders (rawHeaders: readonly string[], name: string): number {
  return rawHeaders.filter((header, i) => i % 2 === 0 && header.toLowerCase() === name).length
}
