import assert from 'node:assert/strict'
import { everythingIn, newEntry, prepareChanges } from './audit-changes.js'
import { isPortable, type AuditedStorageAdapter } from '../storage-adapter.js'
import { ifAudited, type Cases } from './case.js'
import { tokenToImport, userToImport } from './imports.js'
import { attempt, createUser, newUser } from './records.js'

/**
 * Calls `fail`. Throws unless each change with an entry then throws, and leaves all records and entries as they were.
 */
async function assertNeither (storage: AuditedStorageAdapter, fail: () => Promise<void>): Promise<void> {
  const changes = await prepareChanges(storage)
  await storage.createUser(newUser({ email: 'first@x' }), newEntry('user.created'))
  const before = await everythingIn(storage)
  await fail()
  for (const { method, action, make } of changes) {
    const isMade = await attempt(() => make(newEntry(action))).then(() => true, () => false)
    assert.ok(!isMade, `${method} answered instead of throwing`)
    // A read may throw while the store fails.
    const after = await attempt(() => everythingIn(storage)).catch(() => before)
    assert.deepEqual(after, before, `${method} threw, but left a change or an entry`)
  }
}

/** Cases that run only if the option `fail` is given. */
export const auditFailing: Cases = ifAudited({
  'failing: a change throws, and leaves no entry, while the store fails': async ({ storage, fail }) => {
    await assertNeither(storage, () => fail(storage))
  }
})

/** Calls `fail`. Throws unless each import with an entry then throws, and creates nothing. */
async function assertNothingImported (storage: AuditedStorageAdapter, fail: () => Promise<void>): Promise<void> {
  if (!isPortable(storage)) return
  const { id } = await createUser(storage)
  const before = await everythingIn(storage)
  await fail()
  const calls = [
    () => storage.importUsers({ records: [userToImport(1), userToImport(2)], dryRun: false }, newEntry('user.created')),
    () => storage.importTokens({ records: [tokenToImport(id, 1)], dryRun: false }, newEntry('token.created'))
  ]
  for (const call of calls) {
    const isMade = await attempt<unknown>(call).then(() => true, () => false)
    assert.ok(!isMade, 'an import answered instead of throwing')
    assert.deepEqual(await everythingIn(storage), before, 'an import threw, but left a record or an entry')
  }
}

/** Cases that run only if the option `failAudit` is given. */
export const auditWritesFailing: Cases = ifAudited({
  'failing: a change throws, and is not made, when its entry cannot be written': async ({ storage, failAudit }) => {
    await assertNeither(storage, () => failAudit(storage))
  },

  'failing: an import throws, and is not made, when its entries cannot be written':
    async ({ storage, failAudit }) => {
      await assertNothingImported(storage, () => failAudit(storage))
    }
})
