/**
 * Returns the number of headers with this name, which is in lower case. `request.headers` cannot tell, because Node
 * drops repeated headers of some names.
 */
export function countHeaders (rawHeaders: readonly string[], name: string): number {
  return rawHeaders.filter((header, i) => i % 2 === 0 && header.toLowerCase() === name).length
}
