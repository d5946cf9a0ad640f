import { useState } from 'preact/hooks'
import { FormDialog } from '../components/form-dialog.js'
import { UserFields } from '../components/user-fields.js'
import { useConsole } from '../context.js'
import { hashOf } from '../hash-route.js'
import type { CreateUser as CreateUserBody, User } from '../types.js'
import { userLabels } from '../versions.js'

/** Creates a user, and shows it. */
export function CreateUser () {
  const { api, settings, open, say } = useConsole()
  const [form, setForm] = useState({
    email: '', name: '', max_concurrent_bots: String(settings.default_max_concurrent_bots)
  })

  async function create (signal: AbortSignal): Promise<void> {
    const { email, name, max_concurrent_bots: bots } = form
    const body: CreateUserBody = {
      email: email.trim(), name: name === '' ? null : name, max_concurrent_bots: Number(bots)
    }
    const { status, body: user } = await api<User>('POST', 'users', { body, signal })
    open(null)
    // The status tells so with the option `duplicateEmail: 'return'`.
    say(status === 200 ? 'A user with this address existed before' : 'User created')
    location.hash = hashOf('user', user.id)
  }

  return (
    <FormDialog title='Create a user' submit='Create user' action={create} members={Object.keys(userLabels)}>
      {(adviceOn) => <UserFields form={form} setForm={setForm} adviceOn={adviceOn} autofocus />}
    </FormDialog>
  )
}
