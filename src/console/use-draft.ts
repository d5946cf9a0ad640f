import { useLayoutEffect, useState } from 'preact/hooks'
import type { Reply } from './api.js'
import type { User } from './types.js'

/** A user with the tag of its revision. */
export interface VersionedUser {
  user: User
  etag: string | null
}

/** Returns the user of a reply with the tag of its revision. */
export function versionOf ({ body: user, etag }: Reply<User>): VersionedUser {
  return { user, etag }
}

interface Draft<Form> {
  form: Form
  setForm: (form: Form) => void
  isChanged: boolean
  /** The version that the form began with. */
  base: VersionedUser
  /** Begins again with another version, and with these texts unless the form has changed meanwhile. */
  begin: (version: VersionedUser, form: Form) => void
}

/**
 * Keeps the texts of a form about a user. If a newer version of the user arrives, a form without changes shows it. A
 * form with changes in the same members keeps the version that it began with, so that saving it gets 412.
 */
export function useDraft<Form extends object> (current: VersionedUser, toForm: (user: User) => Form): Draft<Form> {
  const [base, setBase] = useState(current)
  const [form, setForm] = useState(() => toForm(current.user))
  const before = toForm(base.user)
  const isChanged = !isSame(form, before)
  useLayoutEffect(() => {
    if (!isChanged || isSame(before, toForm(current.user))) setBase(current)
    if (!isChanged) setForm(toForm(current.user))
  }, [current])
  return {
    form,
    setForm,
    isChanged,
    base,
    begin (version, texts) {
      setBase(version)
      // Somebody may have typed since this version was requested.
      setForm((now) => now === form ? texts : now)
    }
  }
}

function isSame (one: object, other: object): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
