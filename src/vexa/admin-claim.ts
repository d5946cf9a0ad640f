import { UserNotFoundError } from '../errors.js'
import type { ChangeOptions } from '../schemas/change-options.js'
import type { User } from '../schemas/users.js'
import type { UserService } from '../services/user-service.js'
import { pagesOf } from './pages.js'
import { changeData } from './user-data.js'

/**
 * Returns whether a user is an admin of Vexa. This role in Vexa gives no permission for the admin API of this package.
 */
export function isAdmin ({ data }: User): boolean {
  return data?.is_admin === true
}

// The user that stores the claim. Addresses are unique, so all processes that share the storage use the same record. No
// person can have an address in `.invalid` (RFC 2606).
const recordOfClaim = {
  email: 'admin-claim@vexa.invalid',
  name: 'Holder of the admin role of Vexa, see data',
  max_concurrent_bots: 0
}

/** The `data` of this record: the id of the user who holds the claim, and whether that user has been made an admin. */
interface Claim { claimed_by: string, granted?: boolean }

/** Returns the claim in the record. If the record has no claim, returns a claim with an empty id. */
function claimIn ({ data }: User): Claim {
  return { claimed_by: '', ...data }
}

/**
 * Creates the functions by which a user claims the admin role of an instance that has no admin.
 *
 * The services cannot search in `data`, and cannot change two users in one step. So the first write stores the claim in
 * a single record, and the second write makes the holder an admin. If a process ends between the two writes, the next
 * call of `claim` makes the second write.
 */
export function createAdminClaim (users: UserService, options: ChangeOptions) {
  async function holderOf (record: User): Promise<User | undefined> {
    return users.get(claimIn(record).claimed_by).catch(ifAbsent)
  }

  /** Returns whether an existing user holds the claim. A holder who has been made an admin must still be one. */
  async function isHeld (record: User): Promise<boolean> {
    const holder = await holderOf(record)
    return holder !== undefined && (!claimIn(record).granted || isAdmin(holder))
  }

  async function findRecord (): Promise<User | undefined> {
    return users.getByEmail(recordOfClaim.email).catch(ifAbsent)
  }

  async function hasAdmin (record: User | undefined): Promise<boolean> {
    const holder = record && await holderOf(record)
    if (holder !== undefined && isAdmin(holder)) return true
    // There may be an admin without a claim: a user that was imported from Vexa, or that an operator made an admin.
    for await (const page of pagesOf(users, { skip: 0, limit: Infinity })) if (page.some(isAdmin)) return true
    return false
  }

  /** Makes the holder of the claim an admin, unless this has been done before. */
  async function grant (record: User): Promise<void> {
    const { claimed_by: holder, granted } = claimIn(record)
    if (granted) return
    await users.edit(holder, (user) => changeData(user, { is_admin: true }), options)
    await users.edit(record.id, (record) => claimIn(record).claimed_by === holder
      ? { data: { claimed_by: holder, granted: true } }
      // The holder has lost the role again, and another user has claimed it meanwhile.
      : undefined, options)
  }

  return {
    /** Returns whether the instance has an admin, or a user who holds the claim and is about to become an admin. */
    async adminExists (): Promise<boolean> {
      const record = await findRecord()
      return (record !== undefined && await isHeld(record)) || hasAdmin(record)
    },

    /**
     * Makes a user the admin if the instance has no admin. Returns whether this call gave the user the claim. Exactly
     * one of several concurrent calls returns true, even if the calls are in several processes.
     *
     * @throws {UserNotFoundError} if there is no such user
     */
    async claim (userId: string): Promise<boolean> {
      await users.get(userId)
      const stored = await findRecord()
      // The record of the claim does not count as a user of the instance.
      if (stored?.id === userId) throw new UserNotFoundError()
      if (await hasAdmin(stored)) return false
      const { user: { id } } = await users.findOrCreate(recordOfClaim, options)
      let isFirst = false
      const record = await users.edit(id, async (record) => {
        isFirst = !await isHeld(record)
        return isFirst ? { disabled: true, data: { claimed_by: userId } } : undefined
      }, options)
      await grant(record)
      return isFirst
    }
  }
}

function ifAbsent (error: unknown): undefined {
  if (!(error instanceof UserNotFoundError)) throw error
}
