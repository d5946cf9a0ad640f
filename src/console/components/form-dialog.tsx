import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useState } from 'preact/hooks'
import { isAbort, memberFault, toApiError } from '../api-error.js'
import { useConsole } from '../context.js'
import { useAction } from '../use-action.js'
import { useFaultFocus } from '../use-fault-focus.js'
import { Dialog } from './dialog.js'
import { Failure, failureText } from './failure.js'

interface FormDialogProps {
  title: string
  /** Text of the button that does it. */
  submit: string
  isDangerous?: boolean
  /** Whether the button does nothing yet. */
  isIncomplete?: boolean
  /** Does it, and closes the dialog at the end by opening no other. The signal cancels its requests. */
  action: (signal: AbortSignal) => Promise<void>
  /** The members of the body that the form shows. Their errors appear in place. */
  members?: readonly string[]
  children?: ComponentChildren | ((adviceOn: (member: string) => string | undefined) => ComponentChildren)
}

/** A dialog with a form, a button that sends it, and a button that cancels it. */
export function FormDialog ({
  title, submit, isDangerous, isIncomplete, action, members = [], children
}: FormDialogProps) {
  const { open, say, reload } = useConsole()
  const [controller] = useState(() => new AbortController())
  useLayoutEffect(() => () => controller.abort(), [])
  const { run, isBusy, error, wait } = useAction(() => action(controller.signal).catch((error) => {
    const isAborted = isAbort(error)
    if (!isAborted && toApiError(error).status !== 412) throw error
    open(null)
    say(isAborted ? 'Cancelled. The server may have done it already: look before you try again.' : failureText(error))
    reload()
  }))
  const fault = error && memberFault(error)
  const isInPlace = fault !== undefined && members.includes(fault.member)
  const form = useFaultFocus(error)
  const isBlocked = isBusy || isIncomplete || wait > 0
  return (
    <Dialog title={title} onClose={() => open(null)}>
      <form
        ref={form} onSubmit={(event) => {
          event.preventDefault()
          if (!isIncomplete) run()
        }}
      >
        {typeof children === 'function'
          ? children((member) => fault?.member === member ? fault.advice : undefined)
          : children}
        {error !== undefined && !isInPlace && <Failure error={error} isWrite />}
        <div class='buttons'>
          <button type='button' onClick={() => open(null)}>Cancel</button>
          <button class={isDangerous ? 'danger' : 'primary'} aria-disabled={isBlocked} aria-busy={isBusy}>
            {submit}{wait > 0 && ` (${wait} s)`}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
