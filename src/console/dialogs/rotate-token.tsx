import { useState } from 'preact/hooks'
import { pathOf } from '../api.js'
import { FormDialog } from '../components/form-dialog.js'
import { useConsole } from '../context.js'
import { gracePeriodsWithin, usualGracePeriod } from '../lifetimes.js'
import { titleOf } from '../token-filters.js'
import type { Token } from '../types.js'
import { DurationField } from './token-fields.js'

/** Rotates a token, and shows the value of its successor. */
export function RotateToken ({ token }: { token: Token }) {
  const { api, settings: { max_token_lifetime: longest }, open, reveal, reload } = useConsole()
  const [grace, setGrace] = useState(String(usualGracePeriod(longest)))

  async function rotate (signal: AbortSignal): Promise<void> {
    const body = { grace_period: Number(grace) }
    const { body: successor } = await api<Token>('POST', pathOf('tokens', token.id, '/rotate'), { body, signal })
    open(null)
    reveal(successor)
    reload()
  }

  return (
    <FormDialog title='Rotate this token?' submit='Rotate token' action={rotate} members={['grace_period']}>
      {(adviceOn) => (
        <>
          <p>
            A new token takes the place of <strong>{titleOf(token)}</strong>, with the same user, name, scopes and
            lifetime. You see its value once.
          </p>
          <DurationField
            label='The old value stays valid for' value={grace} choices={gracePeriodsWithin(longest)}
            hint='Unless it expires sooner.' onSelect={setGrace} error={adviceOn('grace_period')}
          />
        </>
      )}
    </FormDialog>
  )
}
