import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { Select, TextField } from '../components/field.js'
import { useConsole } from '../context.js'
import type { Choice } from '../lifetimes.js'
import type { Token, UpdateToken } from '../types.js'

export const tokenMembers = ['name', 'scopes', 'expires_in']

interface TokenFields {
  /** The changed members, except the lifetime. */
  changes: Pick<UpdateToken, 'name' | 'scopes'>
  /** Whether "only these" scopes are none. */
  isIncomplete: boolean
  render: (adviceOn: (member: string) => string | undefined) => ComponentChildren
}

/** Returns the fields for the name and the scopes of a token. */
export function useTokenFields (token?: Token): TokenFields {
  const { settings: { scopes: names } } = useConsole()
  const [name, setName] = useState(token?.name ?? '')
  const [scopes, setScopes] = useState<readonly string[] | null>(token?.scopes ?? null)
  const toggle = (changed: string) => setScopes(names.filter((other) =>
    (scopes ?? []).includes(other) !== (other === changed)))
  return {
    changes: {
      ...name !== (token?.name ?? '') && { name: name === '' ? null : name },
      ...String(scopes) !== String(token?.scopes ?? null) && { scopes: scopes && [...scopes] }
    },
    isIncomplete: scopes?.length === 0,
    render: (adviceOn) => (
      <>
        <TextField
          label='Name' hint='Such as the program that uses it. May stay empty.' autofocus maxLength={255} value={name}
          onText={setName} error={adviceOn('name')}
        />
        {names.length > 0 && (
          <fieldset class='field'>
            <legend>Scopes</legend>
            <label class='check'>
              <input type='radio' name='scopes' checked={scopes === null} onChange={() => setScopes(null)} />
              All, also those that the app adds later
            </label>
            <label class='check'>
              <input type='radio' name='scopes' checked={scopes !== null} onChange={() => setScopes([])} />
              Only these:
            </label>
            <div class='checks'>
              {names.map((each) => (
                <label class='check' key={each}>
                  <input type='checkbox' checked={scopes?.includes(each) ?? false} onChange={() => toggle(each)} />
                  {each}
                </label>
              ))}
            </div>
            {adviceOn('scopes') && <p class='error'>{adviceOn('scopes')}</p>}
          </fieldset>
        )}
      </>
    )
  }
}

interface DurationProps {
  label: string
  hint?: string
  error: string | undefined
  value: string
  choices: readonly Choice[]
  /** Another choice, which comes first. */
  first?: readonly [value: string, label: string]
  onSelect: (value: string) => void
}

/** Chooses a duration. The value `never` stands for none. */
export function DurationField ({ choices, first, ...props }: DurationProps) {
  const options = choices.map(({ seconds = 'never', label }) => [String(seconds), label] as const)
  return <Select {...props} options={first === undefined ? options : [first, ...options]} />
}
