/** Tells the time of the server, from the header `Date` of its replies. Before the first reply, that of the browser. */
export class ServerClock {
  #ahead = 0
  readonly #now: () => number

  constructor (now: () => number = Date.now) {
    this.#now = now
  }

  /** Returns the time of the server in milliseconds. It is late by up to a second and the way of the last reply. */
  readonly now = (): number => this.#now() + this.#ahead

  /** Reads the header of a reply that has just arrived. Without a date, the clock goes on as before. */
  set (date: string | null): void {
    const time = Date.parse(date ?? '')
    if (!Number.isNaN(time)) this.#ahead = time - this.#now()
  }
}
