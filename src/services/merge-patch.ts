type JsonObject = Record<string, unknown>

/**
 * Returns the result of a JSON Merge Patch (RFC 7396): members of `patch` replace members of `target`, objects are
 * merged, and `null` removes a member. Does not change the arguments.
 */
export function mergePatch (target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const result: JsonObject = isObject(target) ? { ...target } : {}
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name]
    else result[name] = mergePatch(result[name], value)
  }
  return result
}

function isObject (value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
