import { pathOf } from '../api.js'
import { Badge } from '../components/badge.js'
import { DataForm } from '../components/data-form.js'
import { DisableButton } from '../components/disable-button.js'
import { Failure } from '../components/failure.js'
import type { MemberFormProps } from '../components/member-form.js'
import { ProfileForm } from '../components/profile-form.js'
import { DateOf } from '../components/time.js'
import { TokenTable } from '../components/token-table.js'
import { useConsole } from '../context.js'
import { CreateToken } from '../dialogs/create-token.js'
import { DeleteUser } from '../dialogs/delete-user.js'
import { hashOf } from '../hash-route.js'
import { useNow } from '../hooks.js'
import { maySee } from '../permissions.js'
import type { ListedToken, User } from '../types.js'
import { versionOf } from '../use-draft.js'
import { useList, useLoaded } from '../use-list.js'
import { revisionOf } from '../versions.js'

/** One user: its tokens, its members and its data. */
export function UserScreen ({ id }: { id: string }) {
  const { api } = useConsole()
  const { value, error, retry, keep } = useLoaded(id, async (signal) =>
    versionOf(await api('GET', pathOf('users', id), { signal })))
  const isAbsent = error?.status === 404
  const current = isAbsent ? undefined : value
  return (
    <>
      <p><a href={hashOf('users')}>← Users</a></p>
      <div class='title'>
        <h1 tabIndex={-1}>{current?.user.email ?? (isAbsent ? 'No such user' : id)}</h1>
        {current !== undefined && <Actions current={current} onSaved={keep} />}
      </div>
      {current !== undefined && <Details current={current} onSaved={keep} />}
      {isAbsent && <p>No user has the id {id}. Perhaps somebody has deleted it.</p>}
      {error !== undefined && !isAbsent && <Failure error={error} retry={retry} />}
    </>
  )
}

function Actions ({ current, onSaved }: MemberFormProps) {
  const { may, open } = useConsole()
  const { user, etag } = current
  return (
    <>
      <Badge kind={user.disabled ? 'disabled' : 'active'}>{user.disabled ? 'Disabled' : 'Active'}</Badge>
      {may('users') && (
        <>
          <DisableButton<User>
            path={pathOf('users', user.id)} isDisabled={user.disabled} ifMatch={etag} subject='User'
            onSaved={(reply) => onSaved(versionOf(reply))}
          />
          <button type='button' class='danger-text' onClick={() => open(<DeleteUser {...current} />)}>Delete</button>
        </>
      )}
    </>
  )
}

function Details (props: MemberFormProps) {
  const { settings, may, open } = useConsole()
  const { user, etag } = props.current
  const { list, isCurrent } = useList<ListedToken>(pathOf('users', user.id, '/tokens'), { order: 'desc' })
  const now = useNow()

  return (
    <>
      <p class='facts muted'>
        <span class='mono'>{user.id}</span>
        <span>Created <DateOf time={user.created_at} /></span>
        <span>Revision {revisionOf(etag)}</span>
        {maySee(settings, 'audit') && <a href={hashOf('audit', user.id)}>Audit trail of this user</a>}
      </p>
      <section aria-labelledby='its-tokens'>
        <div class='title'>
          <h2 id='its-tokens'>Tokens</h2>
          {may('tokens') && (
            <button type='button' class='primary' onClick={() => open(<CreateToken user={user} />)}>
              Create token
            </button>
          )}
        </div>
        {user.disabled && <p class='notice'>The user is disabled, so all of these tokens are rejected.</p>}
        <TokenTable list={list} isCurrent={isCurrent} now={now} empty={<p>This user has no tokens.</p>} />
      </section>
      <div class='columns'>
        <ProfileForm {...props} />
        <DataForm {...props} />
      </div>
    </>
  )
}
