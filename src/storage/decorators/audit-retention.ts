import { setImmediate } from 'node:timers/promises'
import type { AuditPruneBatch, AuditTrail } from '../storage-adapter.js'
import { createFaultGuard } from './fault-guard.js'
import { checkAuditAnswer } from './record-checks.js'

const interval = 3600 * 1000
const day = 24 * 3600 * 1000
const batchSize = 500

/** Deletes old entries of the audit trail. */
export interface AuditRetention {
  /** Deletes old entries now and every hour. Returns at once. */
  start (): void
  /** Ends the deletion. Waits for the batch under way, unless the storage has not answered in time. */
  close (): Promise<void>
}

/**
 * Returns an AuditRetention that deletes entries older than `days`. It looks at 500 entries per call of the storage.
 * Requests run between two calls. After a fault it calls `onFault`, and continues an hour later.
 *
 * It calls the storage again only after the storage has answered the previous call. After `timeout` milliseconds
 * without an answer, it calls `onFault`, and `close` no longer waits.
 */
export function createAuditRetention (
  trail: Pick<AuditTrail, 'pruneAudit'>, days: number, timeout: number, onFault: (fault: unknown) => void
): AuditRetention {
  const guard = createFaultGuard(timeout)
  let timer: NodeJS.Timeout | undefined
  let pruning: Promise<void> | undefined
  let closed = false
  // Stays true after the timeout, because the call may hold a connection until the storage answers.
  let unanswered = false

  async function pruneBatch (batch: AuditPruneBatch): ReturnType<AuditTrail['pruneAudit']> {
    unanswered = true
    try {
      return await trail.pruneAudit(batch)
    } finally {
      unanswered = false
    }
  }

  async function prune (): Promise<void> {
    const time = Date.now()
    const now = new Date(time).toISOString()
    // Not every database can compare times before 1970.
    const before = new Date(Math.max(0, time - days * day)).toISOString()
    let after: string | undefined
    for (;;) {
      const batch = { before, now, after, limit: batchSize }
      const { last } = await guard(() => pruneBatch(batch), checkAuditAnswer.pruneAudit)
      // Waiting requests run between two batches, even if the storage answers without waiting.
      await setImmediate()
      if (closed || last === undefined) return
      after = last
    }
  }

  function run (): void {
    if (!unanswered) pruning ??= prune().catch(onFault).finally(() => { pruning = undefined })
  }

  return {
    start () {
      run()
      timer = setInterval(run, interval).unref()
    },

    async close () {
      closed = true
      clearInterval(timer)
      await pruning
    }
  }
}
