import { useEffect, useRef, useState } from 'preact/hooks'
import type { Difference, Texts } from '../versions.js'

interface ConflictProps<Form extends Texts<Form>> {
  labels: Record<keyof Form, string>
  differences: ReadonlyArray<Difference<keyof Form>>
  /** Takes the chosen text of each member. */
  onResolve: (chosen: Partial<Form>) => void
}

/** Shows the versions of two people side by side, and asks which text of each member to keep. */
export function Conflict<Form extends Texts<Form>> ({ labels, differences, onResolve }: ConflictProps<Form>) {
  const [choices, setChoices] = useState<{ [Member in keyof Form]?: 'yours' | 'theirs' }>({})
  const choiceOf = ({ member, isYours }: Difference<keyof Form>) => choices[member] ?? (isYours ? 'yours' : 'theirs')
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => heading.current?.focus(), [])
  return (
    <div class='conflict'>
      <h3 ref={heading} tabIndex={-1}>Somebody else has changed this user meanwhile</h3>
      <p>
        Nothing is saved yet.{' '}
        {differences.length > 0 ? 'Choose what to keep, then save again.' : 'Both versions are the same.'}
      </p>
      {differences.map((difference) => (
        <fieldset key={difference.member}>
          <legend>{labels[difference.member]}</legend>
          {([['yours', 'Yours'], ['theirs', 'Theirs']] as const).map(([whose, label]) => (
            <label key={whose} class='version'>
              <span class='check'>
                <input
                  type='radio' name={`conflict ${String(difference.member)}`} checked={choiceOf(difference) === whose}
                  onChange={() => setChoices({ ...choices, [difference.member]: whose })}
                />
                {label}
              </span>
              <span class='text mono'>{difference[whose] || '(empty)'}</span>
            </label>
          ))}
        </fieldset>
      ))}
      <div class='buttons'>
        <button
          type='button' class='primary' onClick={() => onResolve(Object.fromEntries(
            differences.map((difference) => [difference.member, difference[choiceOf(difference)]])
          ) as Partial<Form>)}
        >Continue with this choice
        </button>
      </div>
    </div>
  )
}
