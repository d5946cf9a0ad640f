import type { DialectTraits } from './dialects/index.js'

/**
 * Returns the result of a write, or `'referenced'` if a table of the app refers to the row and forbids the write.
 *
 * @param mayBeReferenced returns whether the write has reached the statement that deletes or updates the row. A foreign
 * key violation of an earlier statement has a different cause, and is thrown
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
  /** Returns whether a taken address can be the cause of this error, which the write threw. */
  isViolation: (error: unknown) => boolean
  /** Returns whether another user has the address. */
  isTaken: () => Promise<boolean>
}

/**
 * Returns the result of a write, or `'taken'` if the write fails and another user has the e-mail address. If no other
 * user has the address, throws the error of the write. A different unique column then caused the error: a restored
 * sequence may repeat a key, or the app may have added a unique column.
 *
 * @param write returns `undefined` if it wrote nothing
 */
export async function unlessTaken<T> (
  write: () => Promise<T | undefined>,
  { isViolation, isTaken }: EmailChecks
): Promise<T | 'taken'> {
  let fault: unknown
  // The write has three attempts, because the other user may be deleted after the write and before the look-up.
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
