import { createContext, type ComponentChild } from 'preact'
import { useContext } from 'preact/hooks'
import type { Api } from './api.js'
import type { Permission, Settings, Token } from './types.js'

/** The tools that all screens share. */
export interface Console {
  api: Api
  /** Returns the time of the server, which decides whether a token has expired. */
  now: () => number
  settings: Settings
  /** Returns whether the admin has a permission. */
  may: (permission: Permission) => boolean
  /** Shows a short message, which screen readers read aloud. */
  say: (message: string) => void
  /** Shows the value of a new token, this once. */
  reveal: (token: Token) => void
  /** Opens a dialog, or closes it. */
  open: (dialog: ComponentChild) => void
  /** Keeps the lists and texts of screens until the admin signs out, so that they are shown again on return. */
  memory: Map<string, unknown>
  /** Loads again what the screen shows. */
  reload: () => void
  /** Grows with each reload, and with each sign-in after a 401. */
  epoch: number
}

export const ConsoleContext = createContext<Console | undefined>(undefined)

/** Returns the tools that all screens share. */
export function useConsole (): Console {
  return useContext(ConsoleContext) as Console
}
