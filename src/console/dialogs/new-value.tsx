import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { Dialog } from '../components/dialog.js'
import { copyFrom } from '../copy.js'
import { dateOf } from '../times.js'
import { titleOf } from '../token-filters.js'
import type { Token } from '../types.js'

/** Shows the value of a new token, this once. Asks before it closes if nobody has copied the value. */
export function NewValue ({ token, onClose }: { token: Token, onClose: () => void }) {
  const field = useRef<HTMLInputElement>(null)
  const goBack = useRef<HTMLButtonElement>(null)
  const [result, setResult] = useState<'copied' | 'failed'>()
  const [isAsking, setAsking] = useState(false)
  const isCopied = result === 'copied'

  useLayoutEffect(() => field.current?.select(), [])
  useEffect(() => { if (isAsking) goBack.current?.focus() }, [isAsking])
  useEffect(() => {
    if (isCopied) return
    const warn = (event: BeforeUnloadEvent) => event.preventDefault()
    addEventListener('beforeunload', warn)
    return () => removeEventListener('beforeunload', warn)
  }, [isCopied])

  async function copy (): Promise<void> {
    setResult(await copyFrom(field.current as HTMLInputElement) ? 'copied' : 'failed')
  }

  /** Notices a copy by a key or a menu. A copy of a part of the value does not count. */
  function noticeCopy ({ selectionStart, selectionEnd, value }: HTMLInputElement): void {
    if (selectionStart === 0 && selectionEnd === value.length) setResult('copied')
  }

  return (
    <Dialog title='Copy the value now' onClose={() => isCopied ? onClose() : setAsking(true)}>
      <p>
        This is the value of the token <strong>{titleOf(token)}</strong>
        {token.expires_at !== undefined && <>, which expires on {dateOf(token.expires_at)}</>}.
        It is shown only now, because the server keeps only its hash.
      </p>
      <div class='copy'>
        <input
          ref={field} class='mono' readOnly aria-label='Value of the token' value={token.token} spellcheck={false}
          autofocus
          onFocus={(event) => event.currentTarget.select()} onCopy={(event) => noticeCopy(event.currentTarget)}
        />
        <button type='button' class='primary' onClick={copy}>{isCopied ? 'Copied' : 'Copy'}</button>
      </div>
      <p class='hint' role='status'>
        {isCopied && 'The value is in the clipboard.'}
        {result === 'failed' && 'The browser does not copy here. The value is selected: press Ctrl+C or ⌘C.'}
      </p>
      {isAsking && !isCopied
        ? (
          <div class='failure' role='alert'>
            <div>
              <strong>You have not copied the value</strong>
              <p>Nobody can show it again. Without it, the token is of no use.</p>
            </div>
            <div class='buttons'>
              <button type='button' class='danger' onClick={onClose}>Close without copying</button>
              <button
                ref={goBack} type='button' onClick={() => {
                  setAsking(false)
                  field.current?.focus()
                }}
              >Go back
              </button>
            </div>
          </div>
          )
        : (
          <div class='buttons'>
            <button type='button' onClick={() => isCopied ? onClose() : setAsking(true)}>Done</button>
          </div>
          )}
    </Dialog>
  )
}
