import type { UpdateUser, User } from './types.js'

/** The members of a user that its form shows, as texts. */
export interface UserForm {
  email: string
  name: string
  max_concurrent_bots: string
}

export const userLabels: Record<keyof UserForm, string> = {
  email: 'E-mail address',
  name: 'Name',
  max_concurrent_bots: 'Bots at the same time'
}

/** Returns the texts that the form of a user shows. */
export function toForm ({ email, name, max_concurrent_bots: bots }: User): UserForm {
  return { email, name: name ?? '', max_concurrent_bots: String(bots) }
}

/** Returns the body of the `PATCH` that saves a form: the members that differ from the user. */
export function changesOf (user: User, { email, name, max_concurrent_bots: bots }: UserForm): UpdateUser {
  const before = toForm(user)
  return {
    ...email.trim() !== before.email && { email: email.trim() },
    ...name !== before.name && { name: name === '' ? null : name },
    ...bots !== before.max_concurrent_bots && { max_concurrent_bots: Number(bots) }
  }
}

/** Stands for a form whose members are texts. */
export type Texts<Form> = { [Member in keyof Form]: string }

/** A member of which two people wrote different versions. */
export interface Difference<Member> {
  member: Member
  yours: string
  theirs: string
  /** Whether you changed the member. If not, only they did. */
  isYours: boolean
}

/** Returns the members in which your version differs from theirs. Both began with `base`. */
export function compareVersions<Form extends Texts<Form>> (
  base: Form, yours: Form, theirs: Form
): Array<Difference<keyof Form>> {
  const members = Object.keys(base) as Array<keyof Form>
  return members.filter((member) => yours[member] !== theirs[member]).map((member) => ({
    member, yours: yours[member], theirs: theirs[member], isYours: yours[member] !== base[member]
  }))
}

/** Returns the revision in an entity tag such as `"7-hash"`, or an empty text. */
export function revisionOf (etag: string | null): string {
  return /^"(\w+)/.exec(etag ?? '')?.[1] ?? ''
}
