import { useState } from 'preact/hooks'
import { pathOf } from '../api.js'
import { FormDialog } from '../components/form-dialog.js'
import { useConsole } from '../context.js'
import { lifetimesWithin } from '../lifetimes.js'
import { dateOf } from '../times.js'
import type { Token, UpdateToken } from '../types.js'
import { DurationField, tokenMembers, useTokenFields } from './token-fields.js'

/** Updates the name, the scopes and the expiry of a token. */
export function EditToken ({ token, onSaved }: { token: Token, onSaved: (token: Token) => void }) {
  const { api, settings, open, say } = useConsole()
  const { expires_at: expiresAt, data } = token
  const fields = useTokenFields(token)
  const [life, setLife] = useState('')

  async function save (signal: AbortSignal): Promise<void> {
    const body: UpdateToken = {
      ...fields.changes,
      ...life !== '' && { expires_in: life === 'never' ? null : Number(life) }
    }
    const { body: saved } = await api<Token>('PATCH', pathOf('tokens', token.id), { body, signal })
    open(null)
    say('Saved')
    onSaved(saved)
  }

  return (
    <FormDialog
      title='Edit the token' submit='Save' action={save} members={tokenMembers} isIncomplete={fields.isIncomplete}
    >
      {(adviceOn) => (
        <>
          {fields.render(adviceOn)}
          <DurationField
            label='Expires' value={life} choices={lifetimesWithin(settings.max_token_lifetime, ' from now')}
            onSelect={setLife} error={adviceOn('expires_in')}
            first={['', expiresAt === undefined ? 'Never, as now' : `${dateOf(expiresAt)}, as now`]}
          />
          {data !== undefined && (
            <details>
              <summary>Data of the token</summary>
              <pre class='mono'>{JSON.stringify(data, null, 2)}</pre>
            </details>
          )}
        </>
      )}
    </FormDialog>
  )
}
