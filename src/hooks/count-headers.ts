/**
 * Returns the number of headers with a name. `name` must be in lower case. `request.headers` does not show this number,
 * because Node drops repeated headers of some names.
 */
export function countHeaders (rawHeaders: readonly string[], name: string): number {
  return rawHeaders.filter((header, i) => i % 2 === 0 && header.toLowerCase() === name).length
}
