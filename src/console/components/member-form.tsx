import type { ComponentChildren } from 'preact'
import { useId, useState } from 'preact/hooks'
import { pathOf, type Reply } from '../api.js'
import { memberFault, toApiError, type ApiError } from '../api-error.js'
import { useConsole } from '../context.js'
import type { User } from '../types.js'
import { useAction } from '../use-action.js'
import { useFaultFocus } from '../use-fault-focus.js'
import { useDraft, versionOf, type VersionedUser } from '../use-draft.js'
import { compareVersions, type Texts } from '../versions.js'
import { Conflict } from './conflict.js'
import { Failure } from './failure.js'

export interface MemberFormProps {
  current: VersionedUser
  onSaved: (version: VersionedUser) => void
}

interface Fields<Form> {
  form: Form
  setForm: (form: Form) => void
  /** Returns the error of a member. */
  adviceOn: (member: keyof Form) => string | undefined
  /** The error of the last save. */
  error: ApiError | undefined
}

interface Props<Form extends Texts<Form>> extends MemberFormProps {
  title: string
  labels: Record<keyof Form, string>
  /** Returns the texts of a user. */
  toForm: (user: User) => Form
  /** Sends the changes of a user. */
  save: (path: string, base: VersionedUser, form: Form) => Promise<Reply<User>>
  /** Returns whether the texts may be sent. */
  check?: (form: Form) => boolean
  /** Returns whether an error is shown at a field. */
  isInPlace: (error: ApiError) => boolean
  children: (fields: Fields<Form>) => ComponentChildren
}

/** Updates members of a user. If somebody else has changed the user meanwhile, shows both versions side by side. */
export function MemberForm<Form extends Texts<Form>> ({
  current, onSaved, title, labels, toForm, save, check, isInPlace, children
}: Props<Form>) {
  const { api, may, say } = useConsole()
  const heading = useId()
  const { form, setForm, isChanged, base, begin } = useDraft(current, toForm)
  const [theirs, setTheirs] = useState<VersionedUser>()
  const path = pathOf('users', base.user.id)
  const adopt = (version: VersionedUser, texts: Form) => {
    begin(version, texts)
    onSaved(version)
  }

  const { run, isBusy, error, wait } = useAction(async () => {
    try {
      const saved = versionOf(await save(path, base, form))
      adopt(saved, toForm(saved.user))
      say('Saved')
    } catch (error) {
      if (toApiError(error).status !== 412) throw error
      setTheirs(versionOf(await api<User>('GET', path)))
    }
  })
  const fault = error && memberFault(error)
  const element = useFaultFocus(error)
  const focusFirst = () => element.current?.querySelector<HTMLElement>('input, textarea')?.focus()

  return (
    <form
      ref={element} class='card' aria-labelledby={heading} onSubmit={(event) => {
        event.preventDefault()
        if (isChanged && check?.(form) !== false) run()
      }}
    >
      <h2 id={heading}>{title}</h2>
      <fieldset disabled={!may('users')}>
        {children({
          form, setForm, error, adviceOn: (member) => fault?.member === member ? fault.advice : undefined
        })}
        {theirs !== undefined && (
          <Conflict
            labels={labels} differences={compareVersions(toForm(base.user), form, toForm(theirs.user))}
            onResolve={(chosen) => {
              setTheirs(undefined)
              adopt(theirs, { ...toForm(theirs.user), ...chosen })
              focusFirst()
            }}
          />
        )}
        {error !== undefined && !isInPlace(error) && <Failure error={error} isWrite />}
        {may('users') && theirs === undefined && (
          <div class='buttons'>
            {isChanged && (
              <button
                type='button' onClick={() => {
                  setForm(toForm(base.user))
                  focusFirst()
                }}
              >Undo
              </button>
            )}
            <button class='primary' aria-disabled={!isChanged || isBusy || wait > 0} aria-busy={isBusy}>
              Save {title.toLowerCase()}{wait > 0 && ` (${wait} s)`}
            </button>
          </div>
        )}
      </fieldset>
    </form>
  )
}
