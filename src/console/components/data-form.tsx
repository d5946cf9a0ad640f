import { useRef, useState } from 'preact/hooks'
import type { ApiError } from '../api-error.js'
import { useConsole } from '../context.js'
import { describeFault, findJsonFault, readFault, type JsonFault } from '../json-errors.js'
import type { User } from '../types.js'
import { Field } from './field.js'
import { MemberForm, type MemberFormProps } from './member-form.js'

interface DataTexts {
  data: string
}

const labels = { data: 'Data' }

/** Updates the data of a user as JSON. */
export function DataForm (props: MemberFormProps) {
  const { api } = useConsole()
  const [checked, setChecked] = useState<string>()
  const area = useRef<HTMLTextAreaElement>(null)

  function check ({ data }: DataTexts): boolean {
    setChecked(data)
    const found = faultIn(data)
    if (found === undefined) return true
    area.current?.focus()
    area.current?.setSelectionRange(found.position, found.position + 1)
    return false
  }

  return (
    <MemberForm
      {...props} title='Data' labels={labels} toForm={toForm} check={check} isInPlace={isAboutData}
      // The server checks the text itself for what JSON.parse would change, such as a long number.
      save={(path, { etag }, { data }) => data.trim() === ''
        ? api('PATCH', path, { body: { data: null }, ifMatch: etag })
        : api('PUT', `${path}/data`, { body: data, ifMatch: etag })}
    >
      {({ form: { data }, setForm, error }) => (
        <Field
          label='JSON object of the app' hint='Empty if the user has no data.'
          error={checked && describeFault(data, faultIn(data) ??
            (error && isAboutData(error) && data === checked ? readFault(error.message) : undefined))}
        >
          {(props) => (
            <textarea
              {...props} ref={area} class='mono' rows={Math.min(18, Math.max(7, data.split('\n').length + 1))}
              value={data} spellcheck={false} onInput={(event) => setForm({ data: event.currentTarget.value })}
            />
          )}
        </Field>
      )}
    </MemberForm>
  )
}

function faultIn (data: string): JsonFault | undefined {
  return data.trim() === '' ? undefined : findJsonFault(data)
}

function isAboutData ({ status }: ApiError): boolean {
  return status === 400
}

function toForm ({ data }: User): DataTexts {
  return { data: data === undefined ? '' : JSON.stringify(data, null, 2) }
}
