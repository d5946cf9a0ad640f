// The results of the newest run of `npm run test:engines`: one file for each engine.
import { mkdirSync, writeFileSync } from 'node:fs'
import { root } from '../support/child.js'

/** The folder of the newest run. */
export const resultsFolder = `${root}node_modules/.cache/engines/`

export interface Result {
  engine: string
  /** The version, as the server or library says it. */
  version: string
  /** The number of cases of the conformance suite that passed. */
  passed: number
  total: number
  /** The day of the run, such as 2026-11-28. */
  date: string
}

export interface Skipped {
  engine: string
  /** The reason. */
  skipped: string
}

export function recordResult (result: Omit<Result, 'date'>): void {
  write({ ...result, date: new Date().toISOString().slice(0, 10) })
}

export function recordSkipped (engine: string, reason: string): void {
  write({ engine, skipped: reason })
}

function write (entry: Result | Skipped): void {
  mkdirSync(resultsFolder, { recursive: true })
  writeFileSync(`${resultsFolder}${encodeURIComponent(entry.engine)}.json`, JSON.stringify(entry))
}
