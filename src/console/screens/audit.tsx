import { useCallback } from 'preact/hooks'
import { changesPerDay } from '../changes-per-day.js'
import { Chart } from '../components/chart.js'
import { Choose, Search } from '../components/field.js'
import { Table } from '../components/table.js'
import { useConsole } from '../context.js'
import { hashOf } from '../hash-route.js'
import { useRemembered, useSettled } from '../hooks.js'
import { maySee } from '../permissions.js'
import { dateTimeOf, day } from '../times.js'
import type { AuditEntry } from '../types.js'
import { useList, useLoaded } from '../use-list.js'

const columns = ['When', 'Who', 'Action', 'User', 'Token', 'Changed']

const actions = [
  'user.created', 'user.updated', 'user.deleted', 'token.created', 'token.updated', 'token.rotated', 'token.revoked'
] as const satisfies ReadonlyArray<AuditEntry['action']>

const days = 14
const most = 1000

/** The endless audit trail, with filters and a chart of the last days. It begins with the changes of a user. */
export function Audit ({ user }: { user: string }) {
  const { api, now, settings } = useConsole()
  const [form, setForm] = useRemembered(`audit ${user}`, { user_id: user, token_id: '', actor: '', action: '' })
  const set = (name: keyof typeof form) => (text: string) => setForm({ ...form, [name]: text })
  const filters = Object.entries(useSettled(form)).map(([name, text]) => [name, text.trim()])
  const query = Object.fromEntries(filters.filter(([, text]) => text !== '')) as Record<string, string>
  const { list, isCurrent } = useList<AuditEntry>('audit', query)
  const mayRead = maySee(settings, 'user')
  const renderCells = useCallback((entry: AuditEntry) => cellsOf(entry, mayRead), [mayRead])

  const { value: counts } = useLoaded(JSON.stringify(query), async (signal) => {
    const since = new Date(now() - days * day).toISOString()
    const recent = { ...query, since, limit: String(most) }
    const { body, next } = await api<AuditEntry[]>('GET', 'audit', { query: recent, signal })
    return changesPerDay(body.map(({ at }) => at), days, now(), next === undefined)
  })

  return (
    <>
      <div class='title'>
        <h1 tabIndex={-1}>Audit trail</h1>
      </div>
      {counts !== undefined && <Chart counts={counts} />}
      <div class='filters' role='search'>
        <Search label='User, such as user-12' value={form.user_id} onText={set('user_id')} />
        <Search label='Token, such as token-34' value={form.token_id} onText={set('token_id')} />
        <Search label='Actor' value={form.actor} onText={set('actor')} />
        <Choose
          label='Action' value={form.action} onSelect={set('action')}
          options={[['', 'All actions'], ...actions.map((action) => [action, wordsOf(action)] as const)]}
        />
      </div>
      <Table
        label='Changes' class='audit' columns={columns} list={list} isCurrent={isCurrent} renderCells={renderCells}
        empty={
          <>
            <h2>{filters.some(([, text]) => text !== '') ? 'No change matches' : 'No changes yet'}</h2>
            <p>Each change of a user or token appears here. The filters look for whole ids and names.</p>
          </>
        }
      />
    </>
  )
}

function cellsOf (entry: AuditEntry, mayRead: boolean) {
  const { at, actor, action, user_id: user, token_id: token, successor_id: successor, changed } = entry
  return [
    <time key='at' dateTime={at} title={at}>{dateTimeOf(at)}</time>,
    actor ?? <span class='muted'>The app</span>,
    wordsOf(action),
    mayRead ? <a key='user' href={hashOf('user', user)}>{user}</a> : user,
    successor === undefined ? token : `${token} → ${successor}`,
    changed?.join(', ')
  ]
}

/** Returns an action in words, such as "Token rotated". */
function wordsOf (action: AuditEntry['action']): string {
  const words = action.replace('.', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
