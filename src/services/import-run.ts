import type { ChangeSource, Publish } from '../events.js'
import type { PortableMethods, Storage } from '../storage/storage-adapter.js'
import type { CreateEntry } from './audit-entries.js'
import { DigestMap } from './digest-map.js'
import type { LineOptions } from './import-records.js'
import { createRefs, type Refs } from './refs.js'
import type { ImportIssue, ImportOptions, ImportResult } from './transfer-service.js'

/** The services and options that imports need. */
export interface ImportContext {
  storage: Pick<Storage, 'updateUser'>
  portable: Pick<PortableMethods, 'importUsers' | 'importTokens'>
  publish: Publish
  createEntry: CreateEntry
  options: LineOptions
}

/** An import that is under way. */
export interface ImportRun extends ImportContext {
  readonly source: ChangeSource
  readonly dryRun: boolean
  readonly onConflict: 'skip' | 'merge' | 'fail'
  readonly keepIds: boolean
  readonly onUser: ImportOptions['onUser']
  readonly refs: Refs
  /** Maps each address to the number of the first line that has this address. */
  readonly addresses: DigestMap
  readonly result: ImportResult
  /** Passes an issue to the caller. */
  report (line: number, kind: ImportIssue['kind'], message: string): Promise<void>
}

export function createRun (
  context: ImportContext,
  { dryRun = false, onConflict = 'skip', keepIds = false, onIssue, onUser }: ImportOptions,
  source: ChangeSource
): ImportRun {
  return {
    ...context,
    source,
    dryRun,
    onConflict,
    keepIds,
    onUser,
    refs: createRefs(),
    addresses: new DigestMap(),
    result: {
      lines: 0,
      users: { created: 0, present: 0, updated: 0, skipped: 0, rejected: 0 },
      tokens: { created: 0, present: 0, rejected: 0 },
      invalid: 0
    },
    report: async (line, kind, message) => onIssue?.({ line, kind, message })
  }
}
