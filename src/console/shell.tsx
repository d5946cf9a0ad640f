import type { ComponentChild } from 'preact'
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { Api } from './api.js'
import { Logo } from './components/logo.js'
import { ConsoleContext, type Console } from './context.js'
import { NewValue } from './dialogs/new-value.js'
import { focusHeading } from './focus.js'
import { hashOf } from './hash-route.js'
import { useRoute } from './hooks.js'
import { maySee, screensFor } from './permissions.js'
import { Audit } from './screens/audit.js'
import { Tokens } from './screens/tokens.js'
import { UserScreen } from './screens/user.js'
import { Users } from './screens/users.js'
import type { Permission, Settings, Token } from './types.js'

interface ShellProps {
  api: Api
  now: () => number
  settings: Settings
  epoch: number
  /** `undefined` if the app authorizes admins, because there is then no key to forget. */
  signOut: (() => void) | undefined
}

const titles = { users: 'Users', user: 'User', tokens: 'Tokens', audit: 'Audit trail' }

/** The frame of all screens: navigation, the current screen, dialogs and messages. */
export function Shell ({ api, now, settings, epoch, signOut }: ShellProps) {
  const route = useRoute()
  const [dialog, open] = useState<ComponentChild>(null)
  const [token, reveal] = useState<Token>()
  const [message, setMessage] = useState({ text: '' })
  const say = (text: string) => setMessage({ text })
  const memory = useMemo(() => new Map<string, unknown>(), [])
  const may = (permission: Permission) => settings.key.permissions.includes(permission)
  const [reloads, setReloads] = useState(0)
  const reload = () => setReloads((n) => n + 1)
  const shared = useMemo<Console>(
    () => ({ api, now, settings, may, say, reveal, open, memory, reload, epoch: epoch + reloads }),
    [api, settings, epoch + reloads])

  const screens = screensFor(settings)
  const screen = maySee(settings, route.screen) ? route.screen : screens[0]
  const place = `${screen}/${route.id}`
  useFocusOnArrival(place)
  useScrollMemory(place, memory)
  useEffect(() => {
    document.title = `${screen === undefined ? '' : `${titles[screen]} – `}Admin console`
    // A dialog belongs to the screen that has opened it.
    open(null)
  }, [place])

  return (
    <ConsoleContext.Provider value={shared}>
      <a
        class='skip' href='#main' onClick={(event) => {
          // The hash of the URL is the place in the console.
          event.preventDefault()
          focusHeading()
        }}
      >Skip to the content
      </a>
      <header class='bar'>
        <div class='page'>
          <strong><Logo />Admin</strong>
          <nav aria-label='Main'>
            {screens.map((name) => (
              <a
                key={name} href={hashOf(name)}
                aria-current={screen === name ? 'page' : screen === 'user' && name === 'users' ? 'true' : undefined}
              >{titles[name]}
              </a>
            ))}
          </nav>
          <div class='who'>
            {settings.key.name !== null && (
              <span class='muted' title='Your name as an admin'>{settings.key.name}</span>
            )}
            {signOut !== undefined && <button type='button' onClick={signOut}>Sign out</button>}
          </div>
        </div>
      </header>
      <main id='main' class='page'>
        {screen === 'users' && <Users />}
        {screen === 'user' && <UserScreen key={route.id} id={route.id} />}
        {screen === 'tokens' && <Tokens />}
        {screen === 'audit' && <Audit key={route.id} user={route.id} />}
        {screen === undefined && (
          <div class='empty'>
            <h1 tabIndex={-1}>Nothing to see here</h1>
            <p>You have none of the permissions that the console needs: read, or audit.</p>
          </div>
        )}
      </main>
      {dialog}
      {token !== undefined && <NewValue key={token.id} token={token} onClose={() => reveal(undefined)} />}
      <Message message={message} onEnd={() => say('')} />
    </ConsoleContext.Provider>
  )
}

/** Shows a message for some seconds. Screen readers read it from an element that is always there, also twice. */
function Message ({ message, onEnd }: { message: { text: string }, onEnd: () => void }) {
  useEffect(() => {
    if (message.text === '') return
    const timer = setTimeout(onEnd, 8000)
    return () => clearTimeout(timer)
  }, [message])
  return <div class='message' role='status'>{message.text !== '' && <p key={message}>{message.text}</p>}</div>
}

/** Moves the focus to the heading of a screen on arrival, as a browser does for a new page, but not on the first. */
function useFocusOnArrival (place: string): void {
  const isFirst = useRef(true)
  useEffect(() => {
    if (!isFirst.current) focusHeading({ preventScroll: true })
    isFirst.current = false
  }, [place])
}

/** Brings a screen back to where the admin had scrolled it. A new screen begins at its top. */
function useScrollMemory (place: string, memory: Map<string, unknown>): void {
  useLayoutEffect(() => {
    history.scrollRestoration = 'manual'
    scrollTo(0, memory.get(`scroll ${place}`) as number | undefined ?? 0)
    const remember = () => memory.set(`scroll ${place}`, scrollY)
    addEventListener('scroll', remember, { passive: true })
    return () => removeEventListener('scroll', remember)
  }, [place])
}
