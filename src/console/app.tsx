import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { createApi } from './api.js'
import { ApiError, toApiError } from './api-error.js'
import { Failure } from './components/failure.js'
import { Interruption } from './components/interruption.js'
import { KeyKeeper } from './key-keeper.js'
import { SignIn } from './screens/sign-in.js'
import { Shell } from './shell.js'
import { tabStorage } from './tab-storage.js'
import type { Settings } from './types.js'

type Session =
  | { state: 'starting', error?: ApiError }
  | { state: 'signed-out', notice?: string, isByApp: boolean }
  | { state: 'signed-in', settings: Settings }

const keeper = new KeyKeeper(tabStorage(), `vexa-admin-key ${location.pathname}`)

/** Returns whether an error asks to sign in to the app instead of for a key: its message then names no header. */
function isByApp (error: ApiError): boolean {
  return error.code === 'VEXA_ADMIN_ERR_UNAUTHORIZED' && !/X-Admin-API-Key/i.test(error.message)
}

/** The console: the sign-in, or the screens. */
export function App () {
  const [session, setSession] = useState<Session>({ state: 'starting' })
  // A 401 leaves the screens as they are, so that no typed text is lost. The sign-in covers them.
  const [interruption, setInterruption] = useState<{ isByApp: boolean }>()
  const [epoch, setEpoch] = useState(0)
  const isIn = useRef(false)

  const api = useMemo(() => createApi({
    // The page is at `console/` below the prefix of the API. A proxy may have changed everything before that.
    base: new URL('../', location.href).href,
    readKey: () => keeper.key,
    onUnauthorized (error) {
      keeper.forget()
      if (isIn.current) setInterruption({ isByApp: isByApp(error) })
    },
    fetch: (...request) => fetch(...request)
  }), [])

  async function enter (): Promise<void> {
    const { body: settings } = await api<Settings>('GET', 'settings')
    isIn.current = true
    setSession({ state: 'signed-in', settings })
    setInterruption(undefined)
    setEpoch((n) => n + 1)
  }

  async function start (): Promise<void> {
    try {
      await enter()
    } catch (thrown) {
      // Another attempt may have succeeded meanwhile.
      if (isIn.current) return
      const error = toApiError(thrown)
      setSession(error.status === 401
        ? { state: 'signed-out', isByApp: isByApp(error) }
        : { state: 'starting', error })
    }
  }

  async function signIn (key: string, forTab: boolean): Promise<void> {
    keeper.keep(key, forTab)
    isIn.current = false
    try {
      await enter()
    } catch (error) {
      keeper.forget()
      throw error
    }
  }

  function signOut (notice?: string): void {
    keeper.forget()
    isIn.current = false
    setInterruption(undefined)
    setSession({ state: 'signed-out', isByApp: false, ...notice !== undefined && { notice } })
  }

  useEffect(() => { start() }, [])
  useIdleSignOut(() => signOut('You were signed out after 30 minutes without use.'))

  if (session.state === 'starting') {
    return (
      <main class='alone' aria-busy={session.error === undefined}>
        <h1 class='hidden'>Admin console</h1>
        {session.error !== undefined && <Failure error={session.error} retry={start} />}
      </main>
    )
  }
  if (session.state === 'signed-out') {
    return (
      <main class='alone'>
        <SignIn notice={session.notice} isByApp={session.isByApp} signIn={signIn} />
      </main>
    )
  }
  return (
    <>
      <Shell api={api} settings={session.settings} epoch={epoch} signOut={keeper.key === '' ? undefined : signOut} />
      {interruption !== undefined && (
        <Interruption>
          <SignIn
            notice='Your session has ended. Nothing that you typed is lost.' isByApp={interruption.isByApp}
            signIn={signIn}
          />
        </Interruption>
      )}
    </>
  )
}

/** Signs out after a time without keys, clicks or movements. */
function useIdleSignOut (signOut: () => void): void {
  useEffect(() => {
    const events = ['pointerdown', 'pointermove', 'keydown', 'scroll']
    const check = () => { if (keeper.isIdle) signOut() }
    // Timers stop while a computer sleeps, so the page also checks when somebody comes back to it or uses it.
    const touch = () => {
      check()
      keeper.touch()
    }
    const timer = setInterval(check, 10_000)
    document.addEventListener('visibilitychange', check)
    for (const name of events) addEventListener(name, touch, { passive: true, capture: true })
    return () => {
      clearInterval(timer)
      document.removeEventListener('visibilitychange', check)
      for (const name of events) removeEventListener(name, touch, { capture: true })
    }
  }, [])
}
