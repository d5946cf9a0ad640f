import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { focusLost } from '../focus.js'

interface DetachableProps {
  isDetached: boolean
  children: ComponentChildren
}

/**
 * Takes its children out of the document while `isDetached`, so that nobody reads them there. They keep their state,
 * such as typed text, open dialogs and the focus.
 */
export function Detachable ({ isDetached, children }: DetachableProps) {
  const outer = useRef<HTMLDivElement>(null)
  const inner = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => {
    if (!isDetached) return
    const place = outer.current as HTMLElement
    const content = inner.current as HTMLElement
    const focused = document.activeElement as HTMLElement
    const height = scrollY
    content.remove()
    return () => {
      place.append(content)
      // A dialog that leaves the document is no longer modal.
      for (const dialog of content.querySelectorAll<HTMLDialogElement>('dialog[open]')) {
        dialog.close()
        dialog.showModal()
      }
      scrollTo(0, height)
      focused.focus({ preventScroll: true })
      focusLost()
    }
  }, [isDetached])
  return <div ref={outer}><div ref={inner}>{children}</div></div>
}
