const second = 1000
const minute = 60 * second
const hour = 60 * minute
export const day = 24 * hour

// Days are shown up to 99, because the lifetimes of tokens are counted in days.
const units: Array<[limit: number, length: number, name: Intl.RelativeTimeFormatUnit]> = [
  [hour, minute, 'minute'],
  [day, hour, 'hour'],
  [100 * day, day, 'day'],
  [730 * day, 30.4 * day, 'month'],
  [Infinity, 365.25 * day, 'year']
]

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'always' })

/** Returns a time as seen from `now`, such as "in 12 days" or "3 hours ago", rounded. */
export function relativeTime (time: string, now: number): string {
  const distance = Date.parse(time) - now
  const size = Math.abs(distance)
  if (size < minute) return distance > 0 ? 'in less than a minute' : 'just now'
  const [, length, name] = units.find(([limit]) => size < limit) as typeof units[number]
  return relative.format(Math.round(distance / length), name)
}

/** Returns the date of a time, such as "24 Nov 2026", in the time zone of the browser by default. */
export function dateOf (time: string | number, timeZone?: string): string {
  return new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeZone }).format(new Date(time))
}

/** Returns the date and time of day of a time, such as "24 Nov 2026, 13:05:09". */
export function dateTimeOf (time: string, timeZone?: string): string {
  return new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium', timeZone }).format(new Date(time))
}

/** Returns a number of seconds in words, such as "1 day" or "36 hours". */
export function durationText (seconds: number): string {
  const [length, name] = seconds % 86_400 === 0
    ? [86_400, 'day'] as const
    : seconds % 3600 === 0 ? [3600, 'hour'] as const : [1, 'second'] as const
  return new Intl.NumberFormat('en', { style: 'unit', unit: name, unitDisplay: 'long' }).format(seconds / length)
}
