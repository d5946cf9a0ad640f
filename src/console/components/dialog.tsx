import type { ComponentChildren } from 'preact'
import { useId, useLayoutEffect, useRef } from 'preact/hooks'
import { focusHeading } from '../focus.js'

interface DialogProps {
  title: string
  /** Called when somebody wants to close the dialog, such as by Escape. It stays until its parent removes it. */
  onClose: () => void
  children: ComponentChildren
}

/** A modal dialog. When it goes, the focus returns to the element that had it before. */
export function Dialog ({ title, onClose, children }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null)
  const isGone = useRef(false)
  const heading = useId()
  useLayoutEffect(() => {
    const dialog = ref.current as HTMLDialogElement
    dialog.showModal()
    return () => {
      isGone.current = true
      dialog.close()
      setTimeout(focusSomething)
    }
  }, [])
  const ask = (event: Event) => {
    if (event.target !== ref.current) return
    event.preventDefault()
    if (!isGone.current) onClose()
  }
  // A browser may close a dialog without asking, if Escape is pressed twice.
  const reopen = (event: Event) => {
    if (event.target !== ref.current || isGone.current) return
    ref.current?.showModal()
    onClose()
  }
  return (
    <dialog ref={ref} aria-labelledby={heading} onCancel={ask} onClose={reopen}>
      <h2 id={heading}>{title}</h2>
      {children}
    </dialog>
  )
}

/** Moves the focus to the heading of the screen if the element that had the focus is gone. */
function focusSomething (): void {
  if (document.activeElement === null || document.activeElement === document.body) {
    focusHeading()
  }
}
