import type { Reply } from '../api.js'
import { toApiError } from '../api-error.js'
import { useConsole } from '../context.js'
import { useAction } from '../use-action.js'
import { failureText } from './failure.js'

interface DisableButtonProps<Body> {
  /** Path of the user or token in the API. */
  path: string
  isDisabled: boolean | undefined
  ifMatch?: string | null
  /** Names the user or token in messages. */
  subject: string
  /** Name of the token, which screen readers read with the action. */
  name?: string
  onSaved: (reply: Reply<Body>) => void
}

/** Disables a user or token, or enables it. */
export function DisableButton<Body> ({
  path, isDisabled = false, ifMatch = null, subject, name = '', onSaved
}: DisableButtonProps<Body>) {
  const { api, say, reload } = useConsole()
  const action = isDisabled ? 'Enable' : 'Disable'
  const { run, isBusy } = useAction(async () => {
    try {
      onSaved(await api<Body>('PATCH', path, { body: { disabled: !isDisabled }, ifMatch }))
      say(`${subject} ${action.toLowerCase()}d`)
    } catch (error) {
      say(failureText(error))
      if (toApiError(error).status === 412) reload()
    }
  })
  return (
    <button type='button' aria-label={`${action} ${name}`.trim()} aria-busy={isBusy} onClick={run}>{action}</button>
  )
}
