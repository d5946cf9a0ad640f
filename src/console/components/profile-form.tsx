import { memberFault } from '../api-error.js'
import { useConsole } from '../context.js'
import { changesOf, toForm, userLabels } from '../versions.js'
import { MemberForm, type MemberFormProps } from './member-form.js'
import { UserFields } from './user-fields.js'

/** Updates the members of a user, except its data. */
export function ProfileForm (props: MemberFormProps) {
  const { api } = useConsole()
  return (
    <MemberForm
      {...props} title='Profile' labels={userLabels} toForm={toForm}
      isInPlace={(error) => memberFault(error) !== undefined}
      save={(path, { user, etag }, form) => api('PATCH', path, { body: changesOf(user, form), ifMatch: etag })}
    >
      {(fields) => <UserFields {...fields} />}
    </MemberForm>
  )
}
