import { useEffect, useState } from 'preact/hooks'
import { toApiError, type ApiError } from '../api-error.js'
import { Failure } from '../components/failure.js'
import { TextField } from '../components/field.js'
import { Logo } from '../components/logo.js'
import { toKey } from '../key-keeper.js'

interface SignInProps {
  /** The reason why the admin sees this, if it is not the first visit. */
  notice?: string | undefined
  /** Whether the app itself authorizes admins, so that no key is of use. */
  isByApp: boolean
  /** Signs in with a key, or without one if the app authorizes admins. Throws an ApiError if it fails. */
  signIn: (key: string, forTab: boolean) => Promise<void>
}

/** Asks for the admin key, or asks the admin to sign in to the app. */
export function SignIn ({ notice, isByApp, signIn }: SignInProps) {
  const [text, setText] = useState('')
  const [forTab, setForTab] = useState(false)
  const [isBusy, setBusy] = useState(false)
  const [error, setError] = useState<ApiError>()
  const [advice, setAdvice] = useState<string>()

  const focusKey = () => document.querySelector<HTMLElement>('[name=key]')?.focus()
  // After the key press that may have been the first one for a long time.
  useEffect(focusKey, [])

  async function submit (key: string | undefined): Promise<void> {
    if (isBusy) return
    setError(undefined)
    setAdvice(key === undefined ? 'Enter an admin key: printable characters without a space' : undefined)
    if (key === undefined) return focusKey()
    setBusy(true)
    try {
      await signIn(key, forTab)
    } catch (thrown) {
      const failure = toApiError(thrown)
      if (failure.status === 401) setAdvice(isByApp ? failure.message : 'The server does not accept this key')
      else setError(failure)
      focusKey()
    }
    setBusy(false)
  }

  return (
    <form
      class='sign-in' aria-labelledby='sign-in' onSubmit={(event) => {
        event.preventDefault()
        submit(isByApp ? '' : toKey(text))
      }}
    >
      <Logo />
      <h1 id='sign-in' tabIndex={-1}>{isByApp ? 'You are signed out' : 'Sign in'}</h1>
      {notice && <p class='notice' role='status'>{notice}</p>}
      {isByApp
        ? <p>{advice ?? 'Sign in to the app in another tab, as an admin. Then come back here.'}</p>
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
        {isByApp ? 'Try again' : 'Sign in'}
      </button>
    </form>
  )
}
