import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { createApi } from './api.js'
import { toApiError, type ApiError } from './api-error.js'
import { Detachable } from './components/detachable.js'
import { Failure } from './components/failure.js'
import { KeyKeeper } from './key-keeper.js'
import { SignIn, type Gate } from './screens/sign-in.js'
import { ServerClock } from './server-clock.js'
import { Shell } from './shell.js'
import { tabStorage } from './tab-storage.js'
import type { Settings } from './types.js'

const clock = new ServerClock()
const keeper = new KeyKeeper(tabStorage(), `vexa-admin-key ${location.pathname}`)

/** The console: the sign-in, or the screens. */
export function App () {
  const [settings, setSettings] = useState<Settings>()
  // The sign-in, which covers the screens or stands in their place.
  const [gate, setGate] = useState<Gate>()
  const [error, setError] = useState<ApiError>()
  const [epoch, setEpoch] = useState(0)
  const isIn = useRef(false)

  /** Asks to sign in. If the screens are there, they stay as they are, so that no typed text is lost. */
  function cover (reason: string, rejection?: ApiError): void {
    keeper.forget()
    const notice = isIn.current ? `${reason} This page keeps what you typed until you leave it.` : undefined
    setGate((before) => ({ notice, ...before, rejection }))
  }

  const api = useMemo(() => createApi({
    // The page is at `console/` below the prefix of the API. A proxy may have changed everything before that.
    base: new URL('../', location.href).href,
    readKey: () => keeper.key,
    onUnauthorized: (error) => cover('Your session has ended.', error),
    clock,
    fetch: (...request) => fetch(...request)
  }), [])

  async function enter (): Promise<void> {
    const { body } = await api<Settings>('GET', 'settings')
    isIn.current = true
    setSettings(body)
    setGate(undefined)
    setEpoch((n) => n + 1)
  }

  async function start (): Promise<void> {
    try {
      await enter()
    } catch (thrown) {
      // Another attempt may have succeeded meanwhile.
      if (!isIn.current) setError(toApiError(thrown))
    }
  }

  async function signIn (key: string, forTab: boolean): Promise<void> {
    keeper.keep(key, forTab)
    try {
      await enter()
    } catch (error) {
      keeper.forget()
      throw error
    }
  }

  function signOut (): void {
    keeper.forget()
    isIn.current = false
    setSettings(undefined)
    setGate({})
  }

  useEffect(() => { start() }, [])
  useIdle(() => cover('You were signed out after 30 minutes without use.'))

  if (settings === undefined && gate === undefined) {
    return (
      <main class='alone' aria-busy={error === undefined}>
        <h1 class='hidden'>Admin console</h1>
        {error !== undefined && <Failure error={error} retry={start} />}
      </main>
    )
  }
  return (
    <>
      {gate !== undefined && <main class='alone'><SignIn {...gate} signIn={signIn} /></main>}
      {settings !== undefined && (
        // Another admin must not see the texts of this one.
        <Detachable key={settings.key.name} isDetached={gate !== undefined}>
          <Shell
            api={api} now={clock.now} settings={settings} epoch={epoch}
            signOut={keeper.key === '' ? undefined : signOut}
          />
        </Detachable>
      )}
    </>
  )
}

/** Calls `onIdle` after a time without keys, clicks or movements. */
function useIdle (onIdle: () => void): void {
  useEffect(() => {
    const events = ['pointerdown', 'pointermove', 'keydown', 'scroll']
    const check = () => { if (keeper.isIdle) onIdle() }
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
