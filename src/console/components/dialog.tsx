import type { ComponentChildren } from 'preact'
import { useId, useLayoutEffect, useRef } from 'preact/hooks'
import { focusLost } from '../focus.js'

interface DialogProps {
  title: string
  /** Called when somebody wants to close the dialog, such as by Escape. The parent then removes the dialog. */
  onClose: () => void
  children: ComponentChildren
}

/** A modal dialog. When the dialog closes, the focus returns to the element that had the focus before. */
export function Dialog ({ title, onClose, children }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null)
  const isGone = useRef(false)
  const heading = useId()
  useLayoutEffect(() => {
    const dialog = ref.current as HTMLDialogElement
    // While the sign-in is shown, `Detachable` keeps the dialog out of the document. It makes the dialog modal later.
    if (dialog.isConnected) dialog.showModal()
    else dialog.open = true
    return () => {
      isGone.current = true
      dialog.close()
      setTimeout(focusLost)
    }
  }, [])
  const ask = (event: Event) => {
    if (event.target !== ref.current) return
    event.preventDefault()
    if (!isGone.current) onClose()
  }
  // A browser may close a dialog without asking, if Escape is pressed twice.
  const reopen = (event: Event) => {
    if (event.target !== ref.current || isGone.current || ref.current?.open) return
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
