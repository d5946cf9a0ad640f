import { useState } from 'preact/hooks'
import { pathOf } from '../api.js'
import { Select } from '../components/field.js'
import { FormDialog } from '../components/form-dialog.js'
import { useConsole } from '../context.js'
import { lifetimesWithin, usualLifetime } from '../lifetimes.js'
import type { CreateToken as CreateTokenBody, Token, User } from '../types.js'
import { DurationField, tokenMembers, useTokenFields } from './token-fields.js'

/** Creates a token, and shows its value. */
export function CreateToken ({ user }: { user: User }) {
  const { api, settings, open, reveal, reload } = useConsole()
  const { token_prefixes: prefixes, max_token_lifetime: longest } = settings
  const fields = useTokenFields()
  const [life, setLife] = useState(String(usualLifetime(longest)))
  const [prefix, setPrefix] = useState(prefixes[0] ?? '')

  async function create (signal: AbortSignal): Promise<void> {
    const body = {
      ...fields.changes,
      ...life !== 'never' && { expires_in: Number(life) },
      ...prefix !== prefixes[0] && { prefix }
    } as CreateTokenBody
    const { body: token } = await api<Token>('POST', pathOf('users', user.id, '/tokens'), { body, signal })
    open(null)
    reveal(token)
    reload()
  }

  return (
    <FormDialog
      title='Create a token' submit='Create token' action={create} members={tokenMembers}
      isIncomplete={fields.isIncomplete}
    >
      {(adviceOn) => (
        <>
          <p class='muted'>For {user.email}</p>
          {fields.render(adviceOn)}
          <DurationField
            label='Expires after' value={life} choices={lifetimesWithin(longest)} onSelect={setLife}
            error={adviceOn('expires_in')}
          />
          {prefixes.length > 1 && (
            <Select
              label='Prefix of the value' value={prefix} options={prefixes.map((each) => [each, each])}
              onSelect={setPrefix}
            />
          )}
        </>
      )}
    </FormDialog>
  )
}
