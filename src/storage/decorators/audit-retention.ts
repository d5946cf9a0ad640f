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
  /** Stops the deletion. Waits for the call of the storage that is under way, but not longer than its timeout. */
  close (): Promise<void>
}

/**
 * Returns an AuditRetention that deletes entries older than `days`. It looks at 500 entries per call of the storage, so
 * that requests can run between two calls. After a fault, it calls `onFault`, and continues an hour later.
 *
 * It calls the storage again only after the storage has answered the call before. If there is no answer within
 * `timeout` milliseconds, it calls `onFault`, and `close` does not wait for the answer.
 */
export function createAuditRetention (
  trail: Pick<AuditTrail, 'pruneAudit'>, days: number, timeout: number, onFault: (fault: unknown) => void
): AuditRetention {
  const guard = createFaultGuard(timeout)
  let timer: NodeJS.Timeout | undefined
  let pruning: Promise<void> | undefined
  let closed = false
  // Stays true after the timeout, because an unanswered call may hold a connection until the storage answers.
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
      // This lets other requests run between two batches, even if the storage answers at once.
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
