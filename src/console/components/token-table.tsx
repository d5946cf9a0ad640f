import type { ComponentChildren } from 'preact'
import { useCallback } from 'preact/hooks'
import { pathOf } from '../api.js'
import { useConsole } from '../context.js'
import { EditToken } from '../dialogs/edit-token.js'
import { RevokeToken } from '../dialogs/revoke-token.js'
import { RotateToken } from '../dialogs/rotate-token.js'
import { hashOf } from '../hash-route.js'
import type { PageList } from '../page-list.js'
import { isSoon, stateOf, titleOf } from '../token-filters.js'
import type { FoundToken, Token } from '../types.js'
import { Badge } from './badge.js'
import { failureText } from './failure.js'
import { Table } from './table.js'
import { Ago, DateOf } from './time.js'

/** A token of a list. Only the list of all tokens names the user of each. */
export type ListedToken = Token & Partial<Pick<FoundToken, 'user'>>

const stateNames = { active: 'Active', disabled: 'Disabled', expired: 'Expired' }

interface TokenTableProps {
  list: PageList<ListedToken>
  isCurrent: boolean
  total?: number | undefined
  withOwner?: boolean
  now: number
  empty: ComponentChildren
}

/** The tokens of a user, or of all users, with the actions on each. */
export function TokenTable ({ list, isCurrent, total, withOwner = false, now, empty }: TokenTableProps) {
  const { may } = useConsole()
  const mayChange = may('tokens')
  const renderCells = useCallback((token: ListedToken) => {
    const state = stateOf(token, now)
    return [
      <TokenTitle key='title' token={token} />,
      ...withOwner ? [<Owner key='owner' user={token.user} />] : [],
      token.scopes?.join(', ') ?? <span class='muted'>All</span>,
      <DateOf key='created' time={token.created_at} />,
      token.expires_at === undefined
        ? <span class='muted'>Never</span>
        : <Expiry key='expires' time={token.expires_at} now={now} />,
      token.last_used_at === undefined
        ? <span class='muted'>Never</span>
        : <Ago time={token.last_used_at} now={now} />,
      <Badge key='state' kind={state}>{stateNames[state]}</Badge>,
      ...mayChange ? [<TokenActions key='actions' token={token} list={list} isExpired={state === 'expired'} />] : []
    ]
  }, [list, now, mayChange, withOwner])
  const columns = [
    'Token', ...withOwner ? ['Owner'] : [], 'Scopes', 'Created', 'Expires', 'Last used', 'State',
    ...mayChange ? ['Actions'] : []
  ]
  return (
    <Table
      label='Tokens' class={withOwner ? 'tokens owned' : 'tokens'} columns={columns} list={list} isCurrent={isCurrent}
      total={total} empty={empty} renderCells={renderCells}
    />
  )
}

function TokenTitle ({ token: { name, start, id } }: { token: Token }) {
  return (
    <>
      <strong>{name ?? <span class='muted'>No name</span>}</strong>
      <span class='mono muted'>{start === undefined ? id : `${start}…`}</span>
    </>
  )
}

function Expiry ({ time, now }: { time: string, now: number }) {
  return <span class={isSoon(time, now) ? 'warn' : ''}><Ago time={time} now={now} /></span>
}

/** An address that may break before its @. */
function Address ({ text }: { text: string }) {
  const at = text.lastIndexOf('@')
  return <>{text.slice(0, at)}<wbr />{text.slice(at)}</>
}

function Owner ({ user }: { user: FoundToken['user'] | undefined }) {
  return user === undefined
    ? null
    : (
      <>
        <a href={hashOf('user', user.id)}><Address text={user.email} /></a>
        <span class='muted'>{user.name}</span>
      </>
      )
}

interface TokenActionsProps {
  token: ListedToken
  list: PageList<ListedToken>
  isExpired: boolean
}

function TokenActions ({ token, list, isExpired }: TokenActionsProps) {
  const { api, open, say } = useConsole()
  const title = titleOf(token)
  const keep = (saved: Token) => list.update(token.id, ({ user }) => ({ ...saved, ...user !== undefined && { user } }))

  async function setDisabled (disabled: boolean): Promise<void> {
    try {
      const { body } = await api<Token>('PATCH', pathOf('tokens', token.id), { body: { disabled } })
      keep(body)
      say(disabled ? `Token ${title} disabled` : `Token ${title} enabled`)
    } catch (error) {
      say(failureText(error))
    }
  }

  // An expired token can be neither changed nor rotated.
  return (
    <div class='actions'>
      {!isExpired && (
        <>
          <button
            type='button' aria-label={`Rotate ${title}`}
            onClick={() => open(<RotateToken token={token} onRotated={() => list.reload()} />)}
          >Rotate
          </button>
          <button
            type='button' aria-label={`Edit ${title}`}
            onClick={() => open(<EditToken token={token} onSaved={keep} />)}
          >Edit
          </button>
          <button
            type='button' aria-label={`${token.disabled ? 'Enable' : 'Disable'} ${title}`}
            onClick={() => setDisabled(!token.disabled)}
          >{token.disabled ? 'Enable' : 'Disable'}
          </button>
        </>
      )}
      <button
        type='button' class='danger-text' aria-label={`Revoke ${title}`}
        onClick={() => open(<RevokeToken token={token} onRevoked={() => list.update(token.id, () => undefined)} />)}
      >Revoke
      </button>
    </div>
  )
}
