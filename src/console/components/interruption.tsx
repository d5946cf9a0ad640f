import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'

/** Covers the whole page until its parent removes it. No key closes it. */
export function Interruption ({ children }: { children: ComponentChildren }) {
  const ref = useRef<HTMLDialogElement>(null)
  useLayoutEffect(() => {
    const dialog = ref.current as HTMLDialogElement
    const show = () => { if (!dialog.open) dialog.showModal() }
    show()
    dialog.addEventListener('close', show)
    return () => {
      dialog.removeEventListener('close', show)
      dialog.close()
    }
  }, [])
  return (
    <dialog ref={ref} class='interruption' aria-labelledby='sign-in' onCancel={(event) => event.preventDefault()}>
      {children}
    </dialog>
  )
}
