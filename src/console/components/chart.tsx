import type { DayCount } from '../changes-per-day.js'
import { dateOf } from '../times.js'

const width = 14
const height = 48

/** A small chart of the changes per day. */
export function Chart ({ counts }: { counts: readonly DayCount[] }) {
  const most = Math.max(1, ...counts.map(({ count }) => count))
  const total = counts.reduce((sum, { count }) => sum + count, 0)
  const [first] = counts
  const busiest = counts.find(({ count }) => count === most)
  if (first === undefined) return null
  const changes = `${total.toLocaleString('en')} ${total === 1 ? 'change' : 'changes'}`
  const summary = first.isPartial
    ? `At least ${changes} today`
    : `${changes} since ${dateOf(first.start)}` +
      (busiest === undefined ? '' : `, at most ${most.toLocaleString('en')} a day (${dateOf(busiest.start)})`)
  return (
    <figure class='chart'>
      <svg viewBox={`0 0 ${counts.length * width} ${height}`} role='img' aria-label={`Changes per day: ${summary}`}>
        {counts.map(({ start, count }, i) => {
          const size = count === 0 ? 0 : Math.max(3, count / most * height)
          return (
            <rect
              key={start} x={i * width + 1} y={height - size} width={width - 3}
              height={size} rx='1.5'
            >
              <title>{`${dateOf(start)}: ${count}`}</title>
            </rect>
          )
        })}
      </svg>
      <figcaption class='muted'>{summary}</figcaption>
    </figure>
  )
}
