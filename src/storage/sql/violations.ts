import type { DialectTraits } from './dialects/index.js'

/** Returns `'referenced'` where a row cannot be deleted or changed because a table of the app refers to it, unless the write has not come `toDelete` it. */
export async function unlessReferenced<T> (traits: DialectTraits, write: () => Promise<T>, toDelete = () => true): Promise<T | 'referenced'> {
  try {
    return await write()
  } catch (error) {
    if (toDelete() && traits.isForeignKeyViolation(error)) return 'referenced'
    throw error
  }
}

interface EmailChecks {
  /** Whether an error of the write may come from the address. */
  isViolation: (error: unknown) => boolean
  /** Whether another user has the address. */
  isTaken: () => Promise<boolean>
}

/**
 * Returns `'taken'` where a write was refused and another user has this address. Another unique column, such as a key that a sequence
 * left behind gives out again, or one of the app's, is a fault.
 *
 * @param write answers `undefined` where it has written nothing
 */
export async function unlessTaken<T> (write: () => Promise<T | undefined>, { isViolation, isTaken }: EmailChecks): Promise<T | 'taken'> {
  let fault: unknown
  // Again, because the other user may have been deleted in between.
  for (let attempt = 1; attempt <= 3; attempt++) {
    try {
      const written = await write()
      if (written !== undefined) return written
      fault = new Error('The database added no user, and none has the address')
    } catch (error) {
      if (!isViolation(error)) throw error
      fault = error
    }
    if (await isTaken()) return 'taken'
  }
  throw fault
}
