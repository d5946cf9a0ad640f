type Members = Record<string, unknown>

/**
 * Returns whether `holds` accepts the error, or an error inside it. Libraries that wrap a driver put the driver's error
 * into `cause`, `original` or `parent` of their own error.
 */
export function matchesError (error: unknown, holds: (error: Members) => boolean, depth = 5): boolean {
  if (typeof error !== 'object' || error === null || depth === 0) return false
  const { cause, original, parent } = error as Members
  return holds(error as Members) || [cause, original, parent].some((wrapped) => matchesError(wrapped, holds, depth - 1))
}
