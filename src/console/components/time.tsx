import { dateOf, dateTimeOf, relativeTime } from '../times.js'

/** A time as seen from now. Its exact time appears on the mouse, and screen readers may read it. */
export function Ago ({ time, now }: { time: string, now: number }) {
  return <time dateTime={time} title={dateTimeOf(time)}>{relativeTime(time, now)}</time>
}

/** A date, with its exact time on the mouse. */
export function DateOf ({ time }: { time: string }) {
  return <time dateTime={time} title={dateTimeOf(time)}>{dateOf(time)}</time>
}
