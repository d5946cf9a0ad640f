import { pruning, renumbering } from './audit-breaking.js'
import type { BrokenByCase } from './breaking.js'

const all = { order: 'asc', limit: 1000 } as const

export const auditPruning: BrokenByCase = {
  'pruneAudit: deletes entries before a time, in batches of at most limit': {
    'pruneAudit ignores limit': pruning((prune, batch) => prune({ ...batch, limit: 1000 })),
    'pruneAudit includes its time': pruning((prune, batch) => prune({ ...batch, before: `${batch.before}~` })),
    'pruneAudit ignores its time': pruning((prune, batch) => prune({ ...batch, before: '9' })),
    'pruneAudit deletes one entry only': pruning((prune, batch) => prune({ ...batch, limit: 1 })),
    'pruneAudit returns limit': pruning(async (prune, batch) => {
      const { deleted, last } = await prune(batch)
      return { deleted: deleted && batch.limit, last }
    }),
    'pruneAudit never returns last': pruning(async (prune, batch) => ({ deleted: (await prune(batch)).deleted })),
    'pruneAudit returns last when it has ended at an entry': pruning(async (prune, batch, storage) => {
      const [first] = await storage.listAudit({ ...all, after: batch.after })
      const { deleted, last = first?.id } = await prune(batch)
      return { deleted, last }
    })
  },
  'pruneAudit: ends at the first entry that is neither old nor later than now': {
    'pruneAudit deletes each entry that is old': pruning((prune, batch) => prune({ ...batch, now: '' })),
    'pruneAudit leaves entries of now': pruning((prune, batch) => prune({ ...batch, now: batch.now.slice(0, 19) })),
    'pruneAudit compares times without milliseconds': pruning((prune, batch) =>
      prune({ ...batch, before: batch.before.slice(0, 19) }))
  },
  'pruneAudit: leaves entries that are later than now, and goes on after them': {
    'pruneAudit ignores now': pruning((prune, batch) => prune({ ...batch, now: '9' })),
    'pruneAudit ignores after': pruning((prune, { after, ...batch }) => prune(batch)),
    'pruneAudit returns no last when it has deleted nothing': pruning(async (prune, batch) => {
      const { deleted, last } = await prune(batch)
      return { deleted, last: deleted > 0 ? last : undefined }
    }),
    'pruneAudit returns no last when it has deleted fewer than limit': pruning(async (prune, batch) => {
      const { deleted, last } = await prune(batch)
      return { deleted, last: deleted < batch.limit ? undefined : last }
    }),
    'pruneAudit looks up the entry after which it starts': pruning(async (prune, batch, storage) => {
      const entries = await storage.listAudit(all)
      return batch.after === undefined || entries.some(({ id }) => id === batch.after) ? prune(batch) : { deleted: 0 }
    })
  },
  'pruneAudit: leaves users, tokens and later entries in their order': {
    'keys are positions in the trail': renumbering,
    'pruneAudit deletes the tokens of its entries': pruning(async (prune, batch, storage) => {
      for (const { user_id: userId } of await storage.listAudit(all)) await storage.revokeTokens(userId)
      return prune(batch)
    }),
    'pruneAudit throws for a key that is no number': pruning(async (prune, batch) => {
      BigInt(batch.after ?? 0)
      return prune(batch)
    })
  }
}
