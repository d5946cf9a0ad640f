/** Moves the focus to the heading of the screen. */
export function focusHeading (options?: FocusOptions): void {
  document.querySelector<HTMLElement>('main h1')?.focus(options)
}

/** Moves the focus to the heading of the screen if the element that had the focus is gone. */
export function focusLost (): void {
  if (document.activeElement === null || document.activeElement === document.body) focusHeading()
}

/** Moves the focus to the search field of the screen. */
export function focusSearch (): void {
  document.querySelector<HTMLElement>('main [type=search]')?.focus()
}
