import { durationText } from './times.js'

/** A choice of a duration. `seconds` is `undefined` for "never". */
export interface Choice {
  seconds: number | undefined
  label: string
}

const dayInSeconds = 86_400

/**
 * Returns the lifetimes that a dialog offers for a token: 30, 90 and 365 days, and never. If the app limits lifetimes,
 * returns only those within the limit, and the limit itself instead of "never". The suffix, such as " from now",
 * follows each duration.
 */
export function lifetimesWithin (maximum: number | null, suffix = ''): Choice[] {
  const limit = maximum ?? Infinity
  const choices: Choice[] = [30, 90, 365].map((days) => days * dayInSeconds).filter((seconds) => seconds < limit)
    .map((seconds) => ({ seconds, label: durationText(seconds) + suffix }))
  const longest = maximum === null
    ? { seconds: undefined, label: 'Never expires' }
    : { seconds: maximum, label: `${durationText(maximum)}${suffix} (the longest)` }
  return [...choices, longest]
}

/** Returns the lifetime that a dialog selects first: 90 days, or the longest below. */
export function usualLifetime (maximum: number | null): number {
  return Math.min(90 * dayInSeconds, maximum ?? Infinity)
}

/** Returns the grace periods that a dialog offers for a rotation. The app shortens those above its limit. */
export function gracePeriodsWithin (maximum: number | null): Array<Choice & { seconds: number }> {
  const none = { seconds: 0, label: 'None: the old value ends now' }
  return [none, ...[3600, dayInSeconds, 7 * dayInSeconds, 30 * dayInSeconds]
    .filter((seconds) => seconds <= (maximum ?? Infinity))
    .map((seconds) => ({ seconds, label: durationText(seconds) }))]
}

/** Returns the grace period that a dialog selects first: one day, or the longest below. */
export function usualGracePeriod (maximum: number | null): number {
  return Math.max(...gracePeriodsWithin(maximum).map(({ seconds }) => seconds).filter((each) => each <= dayInSeconds))
}
