import { userLabels, type UserForm } from '../versions.js'
import { TextField } from './field.js'

interface UserFieldsProps {
  form: UserForm
  setForm: (form: UserForm) => void
  adviceOn: (member: keyof UserForm) => string | undefined
  autofocus?: boolean
}

/** The fields of the members of a user. */
export function UserFields ({ form, setForm, adviceOn, autofocus = false }: UserFieldsProps) {
  const field = (member: keyof UserForm) => ({
    label: userLabels[member],
    value: form[member],
    error: adviceOn(member),
    onText: (text: string) => setForm({ ...form, [member]: text })
  })
  return (
    <>
      {/* The type `email` would reject addresses that the API accepts, such as jürgen@example.com. */}
      <TextField
        {...field('email')} inputMode='email' spellcheck={false} required maxLength={254} autofocus={autofocus}
      />
      <TextField {...field('name')} maxLength={255} hint='May stay empty.' />
      <TextField {...field('max_concurrent_bots')} type='number' required min={0} max={2147483647} />
    </>
  )
}
