import { useState } from 'preact/hooks'
import { pathOf } from '../api.js'
import { acceptAbsent } from '../api-error.js'
import { TextField } from '../components/field.js'
import { FormDialog } from '../components/form-dialog.js'
import { useConsole } from '../context.js'
import { hashOf } from '../hash-route.js'
import type { VersionedUser } from '../use-draft.js'

/** Deletes a user after somebody has typed its address. */
export function DeleteUser ({ user: { id, email }, etag }: VersionedUser) {
  const { api, open, say } = useConsole()
  const [typed, setTyped] = useState('')

  async function remove (signal: AbortSignal): Promise<void> {
    await api('DELETE', pathOf('users', id), { ifMatch: etag, signal }).catch(acceptAbsent)
    open(null)
    say('User deleted, with all of its tokens')
    location.hash = hashOf('users')
  }

  return (
    <FormDialog
      title='Delete this user?' submit='Delete user' isDangerous isIncomplete={typed.trim().toLowerCase() !== email}
      action={remove}
    >
      <p>This deletes the user <strong>{email}</strong> and all of its tokens. It cannot be undone.</p>
      <p>To stop the user for a while, disable it instead.</p>
      <TextField
        label='Type the e-mail address to confirm' value={typed} onText={setTyped} autofocus spellcheck={false}
      />
    </FormDialog>
  )
}
