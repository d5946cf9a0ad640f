import { pathOf } from '../api.js'
import { acceptAbsent } from '../api-error.js'
import { FormDialog } from '../components/form-dialog.js'
import { useConsole } from '../context.js'
import { titleOf } from '../token-filters.js'
import type { Token } from '../types.js'

/** Revokes a token. */
export function RevokeToken ({ token, onRevoked }: { token: Token, onRevoked: () => void }) {
  const { api, open, say, reload } = useConsole()

  async function revoke (signal: AbortSignal): Promise<void> {
    await api('DELETE', pathOf('tokens', token.id), { signal }).catch(acceptAbsent)
    open(null)
    say('Token revoked')
    onRevoked()
    reload()
  }

  return (
    <FormDialog title='Revoke this token?' submit='Revoke token' isDangerous action={revoke}>
      <p>
        Programs that use <strong>{titleOf(token)}</strong> are rejected from now on. It cannot be undone.
      </p>
    </FormDialog>
  )
}
