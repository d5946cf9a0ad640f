import { Badge } from '../components/badge.js'
import { Count, useTotal } from '../components/count.js'
import { Search } from '../components/field.js'
import { Table } from '../components/table.js'
import { DateOf } from '../components/time.js'
import { useConsole } from '../context.js'
import { CreateUser } from '../dialogs/create-user.js'
import { focusSearch } from '../focus.js'
import { hashOf } from '../hash-route.js'
import { useRemembered, useSettled } from '../hooks.js'
import type { User } from '../types.js'
import { useList } from '../use-list.js'

const columns = ['Address', 'Name', 'Bots', 'Created', 'State']

/** The endless list of users, with a search. */
export function Users () {
  const { may, open } = useConsole()
  const [search, setSearch] = useRemembered('users search', '')
  const [disabled, setDisabled] = useRemembered('users disabled', false)
  const text = useSettled(search.trim())
  const filters: Record<string, string> = {
    ...text !== '' && { search: text },
    ...disabled && { disabled: 'true' }
  }
  const { list, isCurrent } = useList<User>('users', { order: 'desc', ...filters })
  const total = useTotal('users', filters, list, isCurrent)
  const isFiltered = text !== '' || disabled

  return (
    <>
      <div class='title'>
        <h1 tabIndex={-1}>Users</h1>
        <Count total={total} one='user' many='users' />
        {may('users') && (
          <button type='button' class='primary' onClick={() => open(<CreateUser />)}>Create user</button>
        )}
      </div>
      <div class='filters' role='search'>
        <Search label='Search by address or name' value={search} onText={setSearch} />
        <label class='check'>
          <input
            type='checkbox' checked={disabled} onChange={(event) => setDisabled(event.currentTarget.checked)}
          />
          Disabled only
        </label>
      </div>
      <Table
        label='Users' class='users' columns={columns} list={list} isCurrent={isCurrent} total={total}
        renderCells={cellsOf}
        empty={isFiltered
          ? (
            <>
              <h2>No user matches</h2>
              <p>The search looks for a part of the address or the name.</p>
              <button
                type='button' onClick={() => {
                  setSearch('')
                  setDisabled(false)
                  focusSearch()
                }}
              >Show all users
              </button>
            </>
            )
          : (
            <>
              <h2>No users yet</h2>
              <p>Users appear here as soon as the app or an admin creates them.</p>
            </>
            )}
      />
    </>
  )
}

function cellsOf ({ id, email, name, max_concurrent_bots: bots, created_at: created, disabled }: User) {
  return [
    <a key='email' class='row-link' href={hashOf('user', id)}>{email}</a>,
    name ?? <span class='muted'>No name</span>,
    bots,
    <DateOf key='created' time={created} />,
    <Badge key='state' kind={disabled ? 'disabled' : 'active'}>{disabled ? 'Disabled' : 'Active'}</Badge>
  ]
}
