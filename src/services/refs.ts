import { DigestMap } from './digest-map.js'

/** A map from the `ref` of each user of an import to the key of the user. */
export interface Refs {
  has (ref: string): boolean
  /**
   * Returns the key of a user. Returns `undefined` if the ref is unknown, or if the user would be created but the
   * import is a dry run.
   */
  get (ref: string): string | undefined
  set (ref: string, key: string | undefined): void
}

/** Creates an empty Refs. If all keys are integers, a Refs takes no more memory than one DigestMap of the same size. */
export function createRefs (): Refs {
  // The number of an integer key is the integer itself. The other keys have the numbers -1, -2 and so on. The number 0
  // means that the user has no key.
  const numbers = new DigestMap()
  const keys: string[] = []
  return {
    has: (ref) => numbers.has(ref),

    get (ref) {
      const number = numbers.get(ref) ?? 0
      if (number === 0) return undefined
      return number > 0 ? String(number) : keys[-number - 1]
    },

    set (ref, key) {
      const integer = Number(key)
      if (key === undefined) numbers.set(ref, 0)
      else if (integer > 0 && String(integer) === key) numbers.set(ref, integer)
      else numbers.set(ref, -keys.push(key))
    }
  }
}
