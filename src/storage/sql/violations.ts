import type { DialectTraits } from './dialects/index.js'

/**
 * Returns the outcome of a write, or `'referenced'` if a table of the app refers to the row and forbids the write.
 *
 * @param mayBeReferenced whether the write has got as far as the row; before that, a violation is a fault
 */
export async function unlessReferenced<T> (
  traits: DialectTraits,
  write: () => Promise<T>,
  mayBeReferenced = () => true
): Promise<T | 'referenced'> {
  try {
    return await write()
  } catch (error) {
    if (mayBeReferenced() && traits.isForeignKeyViolation(error)) return 'referenced'
    throw error
  }
}

interface EmailChecks {
  /** Whether the address may be the cause of an error of the write. */
  isViolation: (error: unknown) => boolean
  /** Whether another user has the address. */
  isTaken: () => Promise<boolean>
}

/**
 * Returns the outcome of a write, or `'taken'` if it fails and another user has the e-mail address. Throws the error of
 * the write if no other user has it: then another unique column is the cause. A restored sequence may give out a key
 * again, and the app may have unique columns of its own.
 *
 * @param write returns `undefined` if it wrote nothing
 */
export async function unlessTaken<T> (
  write: () => Promise<T | undefined>,
  { isViolation, isTaken }: EmailChecks
): Promise<T | 'taken'> {
  let fault: unknown
  // Three attempts, because the other user may be deleted between the write and the look-up.
  for (let attempt = 1; attempt <= 3; attempt++) {
    try {
      const written = await write()
      if (written !== undefined) return written
      fault = new Error('The database created no user, although no user has the e-mail address')
    } catch (error) {
      if (!isViolation(error)) throw error
      fault = error
    }
    if (await isTaken()) return 'taken'
  }
  throw fault
}
