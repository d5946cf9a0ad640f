/** The page forgets the admin key after this time without use, in milliseconds. */
export const idleLimit = 30 * 60_000

// Writing each movement of the mouse into the storage would be waste.
const precision = 30_000

/** The part of `sessionStorage` that the page uses. */
interface TabStorage {
  getItem: (name: string) => string | null
  setItem: (name: string, value: string) => void
  removeItem: (name: string) => void
}

/** Keeps the admin key in memory, and with `forTab` also in the storage of the tab, where a reload finds the key. */
export class KeyKeeper {
  #key = ''
  #usedAt = 0
  readonly #tab: TabStorage | undefined
  readonly #name: string
  readonly #now: () => number

  /**
   * @param tab the storage of the tab. If absent, the key stays in memory
   * @param name name of the entry in the storage. Two consoles of one origin need different names
   */
  constructor (tab: TabStorage | undefined, name: string, now: () => number = Date.now) {
    this.#tab = tab
    this.#name = name
    this.#now = now
    this.#recall()
  }

  /** Returns the key, or an empty text. */
  get key (): string {
    return this.#key
  }

  /** Returns whether the key has been idle for too long. */
  get isIdle (): boolean {
    return this.#key !== '' && this.#now() - this.#usedAt >= idleLimit
  }

  /** Keeps a key. */
  keep (key: string, forTab: boolean): void {
    this.#key = key
    this.#usedAt = this.#now()
    if (forTab) this.#write()
    else this.#tab?.removeItem(this.#name)
  }

  /** Forgets the key, also in the storage of the tab. */
  forget (): void {
    this.#key = ''
    this.#tab?.removeItem(this.#name)
  }

  /** Starts the idle time again. Somebody uses the page. */
  touch (): void {
    if (this.isIdle || this.#now() - this.#usedAt < precision) return
    this.#usedAt = this.#now()
    if (this.#tab?.getItem(this.#name)) this.#write()
  }

  #write (): void {
    this.#tab?.setItem(this.#name, `${this.#usedAt} ${this.#key}`)
  }

  #recall (): void {
    const [, usedAt, key = ''] = /^(\d+) (.+)$/.exec(this.#tab?.getItem(this.#name) ?? '') ?? []
    this.#key = key
    this.#usedAt = Number(usedAt)
    if (this.isIdle) this.forget()
  }
}

/** Returns an admin key as typed or pasted, or `undefined` if no header can carry the text. */
export function toKey (text: string): string | undefined {
  const key = text.trim()
  return /^[!-~]+$/.test(key) ? key : undefined
}
