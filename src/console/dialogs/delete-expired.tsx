import { useState } from 'preact/hooks'
import { Select } from '../components/field.js'
import { FormDialog } from '../components/form-dialog.js'
import { useConsole } from '../context.js'
import { day } from '../times.js'
import type { PrunedTokens } from '../types.js'

/** Deletes the tokens that expired some time ago. */
export function DeleteExpired () {
  const { api, now, open, say, reload } = useConsole()
  const [days, setDays] = useState('30')

  async function remove (signal: AbortSignal): Promise<void> {
    // The time may be that of a proxy, or of another server. The API rejects a time in the future.
    const expiredBefore = new Date(now() - Number(days) * day - 60_000).toISOString()
    const query = { state: 'expired', expired_before: expiredBefore }
    const { body: { deleted } } = await api<PrunedTokens>('DELETE', 'tokens', { query, signal })
    open(null)
    say(deleted === 1 ? '1 expired token deleted' : `${deleted} expired tokens deleted`)
    reload()
  }

  return (
    <FormDialog title='Delete expired tokens?' submit='Delete tokens' isDangerous action={remove}>
      <p>Expired tokens are rejected already. After this, the lists no longer show them.</p>
      <Select
        label='Tokens that expired' value={days} onSelect={setDays}
        options={[['0', 'At any time until now'], ['30', 'More than 30 days ago'], ['90', 'More than 90 days ago']]}
      />
    </FormDialog>
  )
}
