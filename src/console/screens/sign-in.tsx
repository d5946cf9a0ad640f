import { useEffect, useState } from 'preact/hooks'
import { rejecterOf, toApiError, type ApiError } from '../api-error.js'
import { Failure } from '../components/failure.js'
import { TextField } from '../components/field.js'
import { Logo } from '../components/logo.js'
import { toKey } from '../key-keeper.js'

const titles = { key: 'Sign in', app: 'You are signed out', host: 'The app rejected the request' }

/** Why somebody has to sign in. */
export interface Gate {
  /** The reason why the admin sees this, if it is not the first visit. */
  notice?: string | undefined
  /** The last error 401, if there was one. */
  rejection?: ApiError | undefined
}

interface SignInProps extends Gate {
  /** Signs in with a key, or without one if the app authorizes admins. Throws an ApiError if it fails. */
  signIn: (key: string, forTab: boolean) => Promise<void>
}

/** Asks for the admin key, or asks the admin to sign in to the app. */
export function SignIn ({ notice, rejection, signIn }: SignInProps) {
  const rejecter = rejection === undefined ? 'key' : rejecterOf(rejection)
  const [text, setText] = useState('')
  const [forTab, setForTab] = useState(false)
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<ApiError>()
  const [advice, setAdvice] = useState<string>()

  /** Moves the focus to the field for the key, or to the button if no key is asked for. */
  const focus = () => document.querySelector<HTMLElement>('[name=key], .sign-in button')?.focus()
  // After the key press that may have been the first one for a long time.
  useEffect(focus, [])

  async function submit (key: string | undefined): Promise<void> {
    if (isBusy) return
    setError(undefined)
    setAdvice(key === undefined ? 'Enter an admin key: printable characters without a space' : undefined)
    if (key === undefined) return focus()
    setBusy(true)
    try {
      await signIn(key, forTab)
    } catch (thrown) {
      const failure = toApiError(thrown)
      if (failure.status === 401) setAdvice('The server does not accept this key')
      else setError(failure)
      focus()
    }
    setBusy(false)
  }

  return (
    <form
      class='sign-in' aria-labelledby='sign-in' onSubmit={(event) => {
        event.preventDefault()
        submit(rejecter === 'key' ? toKey(text) : '')
      }}
    >
      <Logo />
      <h1 id='sign-in' tabIndex={-1}>{titles[rejecter]}</h1>
      {notice && <p class='notice' role='status'>{notice}</p>}
      {rejecter !== 'key'
        ? (
          <>
            <p key={rejection} role='alert'>{rejection?.message}</p>
            <p>Sign in to the app in another tab. Then come back here.</p>
          </>
          )
        : (
          <>
            {/* Password managers ask for it. */}
            <input hidden autocomplete='username' value='admin' readOnly />
            <TextField
              label='Admin key' name='key' type='password' value={text} onText={setText} error={advice}
              autocomplete='current-password' spellcheck={false}
            />
            <label class='check'>
              <input type='checkbox' checked={forTab} onChange={(event) => setForTab(event.currentTarget.checked)} />
              Keep me signed in while this tab is open
            </label>
            <p class='hint'>The key stays in this tab. It is forgotten after 30 minutes without use.</p>
          </>
          )}
      {error !== undefined && <Failure error={error} />}
      <button class='primary' aria-busy={isBusy} aria-disabled={isBusy}>
        {rejecter === 'key' ? 'Sign in' : 'Try again'}
      </button>
      {rejecter === 'host' && <button type='button' onClick={() => location.reload()}>Load the page again</button>}
    </form>
  )
}
