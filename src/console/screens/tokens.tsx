import { useMemo } from 'preact/hooks'
import { Count, useTotal } from '../components/count.js'
import { Choose, Search } from '../components/field.js'
import { TokenTable } from '../components/token-table.js'
import { useConsole } from '../context.js'
import { DeleteExpired } from '../dialogs/delete-expired.js'
import { focusSearch } from '../focus.js'
import { useNow, useRemembered, useSettled } from '../hooks.js'
import { cutStart, queryOfView, tokenViews, type TokenView } from '../token-filters.js'
import type { ListedToken } from '../types.js'
import { useList } from '../use-list.js'

/** The endless list of all tokens, with their owners and with filters. */
export function Tokens () {
  const { may, now, open } = useConsole()
  const [start, setStart] = useRemembered('tokens start', '')
  const [name, setName] = useRemembered('tokens name', '')
  const startText = useSettled(start)
  const nameText = useSettled(name.trim())
  const [view, setView] = useRemembered<TokenView>('tokens view', 'all')
  const viewQuery = useMemo(() => queryOfView(view, now()), [view])
  const filters: Record<string, string> = {
    ...viewQuery,
    ...startText !== '' && { start: startText },
    ...nameText !== '' && { search: nameText }
  }
  const { list, isCurrent } = useList<ListedToken>('tokens', { order: 'desc', ...filters })
  const total = useTotal('tokens', filters, list, isCurrent)
  const isFiltered = Object.keys(filters).length > 0

  return (
    <>
      <div class='title'>
        <h1 tabIndex={-1}>Tokens</h1>
        <Count total={total} one='token' many='tokens' />
        {may('tokens') && (
          <button type='button' onClick={() => open(<DeleteExpired />)}>Delete expired tokens</button>
        )}
      </div>
      <div class='filters' role='search'>
        <Search
          label='First characters of the value' class='mono' value={start} cut={cutStart} onText={setStart}
        />
        <Search label='Name of the token' value={name} onText={setName} />
        <Choose
          label='Show' value={view} options={Object.entries(tokenViews)}
          onSelect={(value) => setView(value as TokenView)}
        />
      </div>
      <TokenTable
        list={list} isCurrent={isCurrent} total={total} now={useNow()} withOwner
        empty={isFiltered
          ? (
            <>
              <h2>No token matches</h2>
              {startText !== '' && (
                <p>A token has a start only if the app used the option <code>tokenStart</code> when it was created.</p>
              )}
              <button
                type='button' onClick={() => {
                  setStart('')
                  setName('')
                  setView('all')
                  focusSearch()
                }}
              >Show all tokens
              </button>
            </>
            )
          : (
            <>
              <h2>No tokens yet</h2>
              <p>Create a token on the page of its user.</p>
            </>
            )}
      />
    </>
  )
}
