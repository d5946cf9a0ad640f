import { UserNotFoundError } from '../errors.js'
import type { ChangeOptions } from '../schemas/change-options.js'
import type { User } from '../schemas/users.js'
import type { UserService } from '../services/user-service.js'
import { pagesOf } from './pages.js'
import { changeData } from './user-data.js'

/** Returns whether a user is an admin of Vexa. This is a role in Vexa, and no permission for the admin API. */
export function isAdmin ({ data }: User): boolean {
  return data?.is_admin === true
}

// Addresses are unique, so all processes that share the storage write their claims to the same record. No person can
// have an address in `.invalid` (RFC 2606).
const recordOfClaim = {
  email: 'admin-claim@vexa.invalid',
  name: 'Holder of the admin role of Vexa, see data',
  max_concurrent_bots: 0
}

/** The `data` of the record: the id of the holder, and whether the holder has been made an admin. */
interface Claim { claimed_by: string, granted?: boolean }

/** Returns the claim in the record, or one by nobody. */
function claimIn ({ data }: User): Claim {
  return { claimed_by: '', ...data }
}

/**
 * Creates the functions by which a user claims the admin role of an instance that has no admin.
 *
 * The services cannot search in `data`, and cannot change two users at once. So the claim is written to one record
 * first, and then the holder becomes an admin. If a process ends between the two writes, the next claim makes the
 * second write.
 */
export function createAdminClaim (users: UserService, options: ChangeOptions) {
  async function holderOf (record: User): Promise<User | undefined> {
    return users.get(claimIn(record).claimed_by).catch(ifAbsent)
  }

  /** Returns whether an existing user holds the claim, and has not lost the admin role since. */
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
    // The admin may be imported from a database of Vexa, or made by an operator.
    for await (const page of pagesOf(users, { skip: 0, limit: Infinity })) if (page.some(isAdmin)) return true
    return false
  }

  /** Makes the holder of the claim an admin, unless that has been done. */
  async function grant (record: User): Promise<void> {
    const { claimed_by: holder, granted } = claimIn(record)
    if (granted) return
    await users.edit(holder, (user) => changeData(user, { is_admin: true }), options)
    await users.edit(record.id, (record) => claimIn(record).claimed_by === holder
      ? { data: { claimed_by: holder, granted: true } }
      // Another user has claimed the role meanwhile, because the holder has lost it again.
      : undefined, options)
  }

  return {
    /** Returns whether the instance has an admin, or a user who is becoming one. */
    async adminExists (): Promise<boolean> {
      const record = await findRecord()
      return (record !== undefined && await isHeld(record)) || hasAdmin(record)
    },

    /**
     * Makes a user the admin if the instance has none. Returns whether this call did so. Exactly one of several
     * concurrent calls does, also in several processes.
     *
     * @throws {UserNotFoundError} if there is no such user
     */
    async claim (userId: string): Promise<boolean> {
      await users.get(userId)
      const stored = await findRecord()
      // The record is no user of the instance.
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
