import { randomUUID } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import type { MemoryStorage } from '../../../../examples/custom-storage.js'
import type {
  AuditedStorageAdapter, AuditFilter, AuditPage, AuditPruneBatch, AuditRecord, NewAuditRecord, StorageAdapter
} from '../../../../src/index.js'
import { newUser } from '../../../../src/storage/conformance/records.js'
import { callOf, type Breaking } from './breaking.js'

/** The methods that take an entry, with the place of the entry in their parameters. */
const places = {
  createUser: 1,
  updateUser: 3,
  deleteUser: 2,
  createToken: 1,
  updateToken: 2,
  rotateToken: 2,
  revokeToken: 1,
  revokeTokens: 1
} satisfies Partial<Record<keyof StorageAdapter, number>>

export type ChangeName = keyof typeof places
export const changeNames = Object.keys(places) as ChangeName[]
export const userChanges = changeNames.filter((name) => name.endsWith('User'))
export const tokenChanges = changeNames.filter((name) => !name.endsWith('User'))

type Around = (
  /** Makes the change with another entry, or with none. */
  call: (entry?: NewAuditRecord) => Promise<unknown>,
  entry: NewAuditRecord | undefined,
  storage: MemoryStorage
) => Promise<unknown>

/** Breaks each of the methods in `names` by `around`. Returns the broken storages by their fault. */
export function eachChange (fault: string, names: readonly ChangeName[], around: Around): Record<string, Breaking> {
  return Object.fromEntries(names.map((name) => [`${name} ${fault}`, (storage: MemoryStorage) => ({
    [name]: async (...parameters: unknown[]) => {
      const call = (entry?: NewAuditRecord) => callOf(storage, name)(...parameters.with(places[name], entry))
      parameters.length = Math.max(parameters.length, places[name] + 1)
      return around(call, parameters[places[name]] as NewAuditRecord | undefined, storage)
    }
  })]))
}

/** Writes an entry that has no change, as an entry of a new user. */
export async function writeAlone (storage: MemoryStorage, entry?: NewAuditRecord): Promise<void> {
  if (entry) await storage.createUser(newUser({ email: `${randomUUID()}@x` }), entry)
}

export const isOutcome = (answer: unknown) => answer === false || answer === undefined || typeof answer === 'string'

/** Breaks a change that is not made: it writes its entry all the same. */
export const writingForOutcomes: Around = async (call, entry, storage) => {
  const answer = await call(entry)
  if (isOutcome(answer)) await writeAlone(storage, entry)
  return answer
}

/** Breaks a change that throws: it writes its entry all the same. */
export const writingForErrors: Around = async (call, entry, storage) => {
  try {
    return await call(entry)
  } catch (error) {
    await writeAlone(storage, entry)
    throw error
  }
}

/** Breaks `listAudit`: the page has the entries that `change` returns. */
export const listing =
  (change: (entries: AuditRecord[], page: AuditPage) => AuditRecord[]): Breaking =>
    (storage) => ({ listAudit: async (page) => change(await storage.listAudit(page), page) })

/** Changes each entry that `listAudit` returns. */
export const changedEntry = (change: (entry: AuditRecord) => AuditRecord): Breaking =>
  listing((entries) => entries.map(change))

/** Breaks one filter of entries: it selects those that `matches` accepts. */
export const selecting =
  <Name extends keyof AuditFilter>(
    name: Name,
    matches: (entry: AuditRecord, value: NonNullable<AuditFilter[Name]>, filter: AuditFilter) => boolean
  ): Breaking =>
    (storage) => ({
      listAudit: async ({ order, limit, ...filter }) => {
        const { [name]: value, ...rest } = filter
        const entries = await storage.listAudit({ order, limit: 1000, ...rest })
        return entries.filter((entry) =>
          value === undefined || matches(entry, value as NonNullable<AuditFilter[Name]>, filter)).slice(0, limit)
      }
    })

/** Breaks the keys: they are positions in the trail, so pruning moves them. */
export const renumbering: Breaking = (storage) => ({
  listAudit: async ({ after = '0', limit }) => {
    const entries = await storage.listAudit({ order: 'asc', limit: 1000 })
    return entries.map((entry, n) => ({ ...entry, id: `${n + 1}` })).filter(({ id }) => Number(id) > Number(after))
      .slice(0, limit)
  }
})

/** Breaks `listAudit`: each third entry is missing when it is in a page for the first time. */
export const listingLate: Breaking = (storage) => {
  const seen = new Set<string>()
  const isSeen = ({ id }: AuditRecord) => Number(id) % 3 > 0 || seen.has(id) || !seen.add(id)
  return { listAudit: async (page) => (await storage.listAudit(page)).filter(isSeen) }
}

type Prune = AuditedStorageAdapter['pruneAudit']

/** Breaks `pruneAudit`: it answers with the result of `around`. */
export const pruning =
  (around: (prune: Prune, batch: AuditPruneBatch, storage: MemoryStorage) => ReturnType<Prune>): Breaking =>
    (storage) => ({ pruneAudit: async (batch) => around((batch) => storage.pruneAudit(batch), batch, storage) })

/** Breaks `pruneAudit`: another call may run between its count and its write. */
export const pruningAuditLate: Breaking = pruning(async (prune, batch, storage) => {
  const { before, now, after, limit } = batch
  const entries = await storage.listAudit({ order: 'asc', after, limit })
  const end = entries.findIndex(({ at }) => at >= before && at <= now)
  const old = entries.filter(({ at }, n) => at < before && (end < 0 || n < end))
  await setImmediate()
  const { last } = await prune(batch)
  return { deleted: old.length, last }
})

/** Breaks `revokeToken`: it writes its entry if the token is there before the revocation. */
export const revokingLate: Breaking = (storage) => ({
  revokeToken: async (id, entry) => {
    const found = await storage.findToken(id)
    await setImmediate()
    if (found) await writeAlone(storage, entry)
    return storage.revokeToken(id)
  }
})
