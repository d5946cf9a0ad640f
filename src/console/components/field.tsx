import type { ComponentChildren } from 'preact'
import { useId, useState } from 'preact/hooks'
import { useConsole } from '../context.js'
import { cutValue } from '../token-filters.js'

/** Attributes that join a control to its label, hint and error. */
export interface ControlProps {
  id: string
  'aria-describedby': string | undefined
  'aria-invalid': boolean
}

interface FieldProps {
  label: string
  hint?: ComponentChildren
  error?: string | undefined
  children: (props: ControlProps) => ComponentChildren
}

/** A labelled control with its hint and its error in place. */
export function Field ({ label, hint, error, children }: FieldProps) {
  const id = useId()
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ')
  return (
    <div class='field'>
      <label for={id}>{label}</label>
      {children({ id, 'aria-describedby': described || undefined, 'aria-invalid': Boolean(error) })}
      {hint && <p class='hint' id={`${id}-hint`}>{hint}</p>}
      {error && <p class='error' id={`${id}-error`}>{error}</p>}
    </div>
  )
}

interface TextFieldProps {
  type?: 'text' | 'number' | 'password'
  name?: string
  autocomplete?: 'current-password'
  autofocus?: boolean
  spellcheck?: boolean
  inputMode?: 'email'
  required?: boolean
  maxLength?: number
  min?: number
  max?: number
  label: string
  hint?: ComponentChildren
  error?: string | undefined
  value: string
  onText: (text: string) => void
}

/** A labelled line of text. */
export function TextField ({ label, hint, error, onText, type = 'text', ...input }: TextFieldProps) {
  return (
    <Field label={label} hint={hint} error={error}>
      {(props) => (
        <input
          autocomplete='off' {...input} {...props} type={type as 'text'}
          onInput={(event) => onText(event.currentTarget.value)}
        />
      )}
    </Field>
  )
}

interface SelectProps {
  label: string
  hint?: ComponentChildren
  error?: string | undefined
  value: string
  options: ReadonlyArray<readonly [value: string, label: string]>
  onSelect: (value: string) => void
}

/** A choice of one of a few options, without a visible label. */
export function Choose ({ label, value, options, onSelect, ...props }: SelectProps & Partial<ControlProps>) {
  return (
    <select aria-label={label} {...props} value={value} onChange={(event) => onSelect(event.currentTarget.value)}>
      {options.map(([option, text]) => <option key={option} value={option}>{text}</option>)}
    </select>
  )
}

/** A labelled choice of one of a few options. */
export function Select ({ hint, error, ...select }: SelectProps) {
  return (
    <Field label={select.label} hint={hint} error={error}>
      {(props) => <Choose {...select} {...props} />}
    </Field>
  )
}

interface SearchProps {
  label: string
  value: string
  onText: (text: string) => void
  /** Returns the part of a text that may go into a URL. */
  cut?: (text: string, prefixes: readonly string[]) => string
  class?: string
}

/**
 * A field that filters a list while somebody types. Its label is also its placeholder. Its text goes into a URL, so the
 * field takes no value of a token.
 */
export function Search ({ label, value, onText, cut = cutValue, ...rest }: SearchProps) {
  const { settings } = useConsole()
  const [isCut, setCut] = useState(false)
  return (
    <>
      <input
        type='search' aria-label={label} placeholder={label} value={value} autocomplete='off' spellcheck={false}
        maxLength={255} {...rest} onInput={({ currentTarget: input }) => {
          const text = cut(input.value, settings.token_prefixes)
          setCut(text.length < input.value.trim().length)
          // The text may be the same as before, and the field is then not rendered again.
          input.value = text
          onText(text)
        }}
      />
      {isCut && value !== '' && (
        <p class='hint' role='alert'>Only the first characters of a value are used, because logs may keep URLs.</p>
      )}
    </>
  )
}
