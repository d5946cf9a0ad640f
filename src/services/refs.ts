import { DigestMap } from './digest-map.js'

/** The keys of the users of an import, by their refs. */
export interface Refs {
  has (ref: string): boolean
  /** Returns the key of a user, or `undefined` if a dry run would create the user. */
  get (ref: string): string | undefined
  set (ref: string, key: string | undefined): void
}

/** Creates an empty Refs. A million users whose keys are integers take as much memory as a DigestMap of that size. */
export function createRefs (): Refs {
  // An integer key is its own number. The other keys are numbered from -1 down. 0 stands for no key.
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
