import { useState } from 'preact/hooks'
import { pathOf } from '../api.js'
import { Badge } from '../components/badge.js'
import { DataForm } from '../components/data-form.js'
import { Failure, failureText } from '../components/failure.js'
import type { MemberFormProps } from '../components/member-form.js'
import { ProfileForm } from '../components/profile-form.js'
import { DateOf } from '../components/time.js'
import { TokenTable, type ListedToken } from '../components/token-table.js'
import { useConsole } from '../context.js'
import { CreateToken } from '../dialogs/create-token.js'
import { DeleteUser } from '../dialogs/delete-user.js'
import { hashOf } from '../hash-route.js'
import { useNow } from '../hooks.js'
import { maySee } from '../permissions.js'
import type { User } from '../types.js'
import type { VersionedUser } from '../use-draft.js'
import { useList, useLoaded } from '../use-list.js'
import { revisionOf } from '../versions.js'

/** One user: its tokens, its members and its data. */
export function UserScreen ({ id }: { id: string }) {
  const { api } = useConsole()
  const [saved, onSaved] = useState<VersionedUser>()
  const { value, error, retry } = useLoaded<VersionedUser>(id, async (signal) => {
    const { body, etag } = await api<User>('GET', pathOf('users', id), { signal })
    return { user: body, etag }
  })
  const current = saved ?? value
  const isAbsent = current === undefined && error?.status === 404
  return (
    <>
      <p><a href={hashOf('users')}>← Users</a></p>
      <div class='title'>
        <h1 tabIndex={-1}>{current?.user.email ?? (isAbsent ? 'No such user' : id)}</h1>
        {current !== undefined && <Actions user={current.user} onSaved={onSaved} />}
      </div>
      {current !== undefined && <Details current={current} onSaved={onSaved} />}
      {isAbsent && <p>No user has the id {id}. Perhaps somebody has deleted it.</p>}
      {error !== undefined && !isAbsent && <Failure error={error} retry={retry} />}
    </>
  )
}

function Actions ({ user, onSaved }: Pick<MemberFormProps, 'onSaved'> & { user: User }) {
  const { api, may, open, say } = useConsole()

  async function setDisabled (disabled: boolean): Promise<void> {
    try {
      const { body, etag } = await api<User>('PATCH', pathOf('users', user.id), { body: { disabled } })
      onSaved({ user: body, etag })
      say(disabled ? 'User disabled. All of its tokens are rejected.' : 'User enabled')
    } catch (error) {
      say(failureText(error))
    }
  }

  return (
    <>
      <Badge kind={user.disabled ? 'disabled' : 'active'}>{user.disabled ? 'Disabled' : 'Active'}</Badge>
      {may('users') && (
        <>
          <button type='button' onClick={() => setDisabled(!user.disabled)}>
            {user.disabled ? 'Enable' : 'Disable'}
          </button>
          <button type='button' class='danger-text' onClick={() => open(<DeleteUser user={user} />)}>Delete</button>
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
            <button
              type='button' class='primary'
              onClick={() => open(<CreateToken user={user} onCreated={() => list.reload()} />)}
            >Create token
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
