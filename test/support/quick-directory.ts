import { existsSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'

/**
 * The folder for files that only have to survive a killed process: TMPDIR if it is set, else one in memory if that has
 * 4 GiB to spare. Tests of SQLite take about half as long in memory.
 */
export const quickDirectory = process.env.TMPDIR === undefined && hasSpace('/dev/shm') ? '/dev/shm' : tmpdir()

function hasSpace (directory: string): boolean {
  if (!existsSync(directory)) return false
  const { bavail, bsize } = statfsSync(directory)
  return bavail * bsize >= 4 * 2 ** 30
}
