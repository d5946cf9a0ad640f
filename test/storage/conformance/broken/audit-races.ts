import { setImmediate } from 'node:timers/promises'
import {
  changeNames, eachChange, listingLate, pruning, pruningAuditLate, revokingLate, writeAlone
} from './audit-breaking.js'
import type { BrokenByCase } from './breaking.js'

export const auditRaces: BrokenByCase = {
  'audit: a reader gets one entry for each change when 10 clients make changes': {
    'an entry appears after later ones': listingLate,
    ...eachChange('writes its entry twice', ['revokeToken'], async (call, entry, storage) => {
      const answer = await call(entry)
      await writeAlone(storage, entry)
      return answer
    }),
    ...eachChange('writes no entry', changeNames.filter((name) => name !== 'updateToken' && name !== 'revokeTokens'),
      (call) => call())
  },
  'audit: 10 calls at once write one entry when one of them succeeds': {
    'revokeToken looks the token up before it writes the entry': revokingLate,
    'updateUser compares the revision before it writes the entry': (storage) => ({
      updateUser: async (id, changes, revision, entry) => {
        const user = await storage.findUser(id)
        await setImmediate()
        if (user?.revision === revision) await writeAlone(storage, entry)
        return storage.updateUser(id, changes, revision)
      }
    }),
    ...eachChange('writes an entry for each call', changeNames.filter((name) => name !== 'createToken' &&
      name !== 'updateToken'), async (call, entry, storage) => {
      await writeAlone(storage, entry)
      return call()
    }),
    ...eachChange('writes the entry of another call', ['createUser', 'rotateToken'], (call, entry) =>
      call(entry && { ...entry, request_id: '9' }))
  },
  'audit: 20 updates of one token at once write 20 entries': {
    'updateToken writes one entry for updates at once': (storage) => {
      let running = 0
      return {
        updateToken: async (id, change, entry) => {
          running++
          await setImmediate()
          return storage.updateToken(id, change, running-- > 1 ? undefined : entry)
        }
      }
    }
  },
  'pruneAudit: counts each entry once when called 4 times at once': {
    'pruneAudit counts the entries before it deletes them': pruningAuditLate
  },
  'pruneAudit: leaves the entries of changes that are made at once': {
    'pruneAudit deletes all entries that are there at the end': pruning(async (prune, batch, storage) => {
      const { before: until, limit } = batch
      const entries = await storage.listAudit({ order: 'asc', until, limit })
      await setImmediate()
      await prune({ ...batch, before: '9' })
      return { deleted: entries.length }
    })
  }
}
