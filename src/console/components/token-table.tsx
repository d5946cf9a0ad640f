import type { ComponentChildren } from 'preact'
import { useCallback } from 'preact/hooks'
import { useConsole } from '../context.js'
import { hashOf } from '../hash-route.js'
import type { PageList } from '../page-list.js'
import { isSoon, stateOf } from '../token-filters.js'
import type { FoundToken, ListedToken, Token } from '../types.js'
import { Badge } from './badge.js'
import { Table } from './table.js'
import { Ago, DateOf } from './time.js'
import { TokenActions } from './token-actions.js'

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
