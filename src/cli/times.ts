import { UsageError } from './cli-errors.js'

const milliseconds: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

/**
 * Returns the time that a text stands for, as RFC 3339. The text may be a time of RFC 3339, a date (midnight in UTC),
 * `now`, or a time relative to `now` such as `now-30d`. Returns a time of RFC 3339 unchanged, because the services
 * check it.
 *
 * @throws {UsageError} if the text has none of these forms
 */
export function readTime (text: string, now: number): string {
  if (/^\d{4}-\d\d-\d\dT/i.test(text)) return text
  if (/^\d{4}-\d\d-\d\d$/.test(text)) return `${text}T00:00:00Z`
  const match = /^now(?:([+-]\d{1,5})([smhdw]))?$/.exec(text)
  if (match === null) {
    throw new UsageError('Expected a time such as 2024-01-01T12:00:00Z, 2024-01-01, now, now-30d or now+12h')
  }
  const [, count = '0', unit = 's'] = match
  return new Date(now + Number(count) * (milliseconds[unit] as number)).toISOString()
}
