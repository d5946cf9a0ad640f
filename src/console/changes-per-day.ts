export interface DayCount {
  /** The start of the day in the time zone of the browser, in milliseconds. */
  start: number
  count: number
  /** Whether the day may have more changes. */
  isPartial?: boolean
}

/**
 * Counts the entries of each day, from the oldest day to today.
 *
 * @param times the times of the entries, the newest first
 * @param isComplete whether `times` has all entries of these days. If not, days that may lack entries are left out, but
 * not today
 */
export function changesPerDay (times: readonly string[], days: number, now: number, isComplete: boolean): DayCount[] {
  const today = new Date(now)
  const starts = Array.from({ length: days }, (_, i) =>
    new Date(today.getFullYear(), today.getMonth(), today.getDate() - days + 1 + i).getTime())
  const oldest = Date.parse(times.at(-1) ?? '')
  const stamps = times.map((time) => Date.parse(time))
  const counts = starts.map((start, i) => {
    const end = starts[i + 1] ?? Infinity
    return { start, count: stamps.filter((stamp) => stamp >= start && stamp < end).length }
  })
  if (isComplete) return counts
  const complete = counts.filter(({ start }) => start > oldest)
  return complete.length > 0 ? complete : counts.slice(-1).map((today) => ({ ...today, isPartial: true }))
}
