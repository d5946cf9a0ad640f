import type { UpdateUser, User } from '../schemas/users.js'
import { normalizeEmail } from '../normalize.js'
import { DetailError } from './detail-error.js'
import {
  anything, email, flag, integer, model, nullable, read, recordOf, report, text, type Given, type Reader
} from './read.js'
import { changeData, imageName } from './user-data.js'

// The maximum is the largest signed integer of four bytes.
const count = integer(0, 2147483647)

const wholeNumber = integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)

const newUser = { email, name: nullable(text(255)), image_url: nullable(text()), max_concurrent_bots: nullable(count) }
const { image_url: _image, ...strictNewUser } = { ...newUser, max_concurrent_bots: count }

const createUnion = model(newUser, { required: ['email'] })
const createStrict: Reader<Given<typeof newUser>> = model(strictNewUser, { required: ['email'] })

/**
 * Returns the new user in a body of `POST /admin/users`. Ignores unknown members.
 *
 * @throws {DetailError} 422 if the body is not valid
 */
export function readNewUser (body: unknown, strict: boolean) {
  const given = read(strict ? createStrict : createUnion, body, ['body'])
  const { email = '', name, image_url: image, max_concurrent_bots: bots } = given
  // If `max_concurrent_bots` or `image_url` is `null`, it counts as absent.
  return {
    email,
    name,
    max_concurrent_bots: bots ?? undefined,
    data: (image ?? null) === null ? undefined : { [imageName]: image }
  }
}

/** Reads the members of `data`. Rejects the member that stores the image, because only `image_url` may set it. */
const dataMembers: Reader<Record<string, unknown>> = (input, loc, issues) => {
  const members = recordOf(anything)(input, loc, issues)
  if (Object.hasOwn(members ?? {}, imageName)) {
    report(issues, 'extra_forbidden', [...loc, imageName], 'This member is reserved: use image_url', null)
  }
  return members
}

const unionPatch = model({
  // Any text is valid here, because `readPatch` only compares the text with the stored address.
  email: nullable(text()),
  name: nullable(text(255)),
  image_url: nullable(text()),
  max_concurrent_bots: nullable(count),
  data: nullable(dataMembers)
})

// The members that the billing of Vexa keeps in `data`.
const texts = [
  'stripe_customer_id', 'stripe_subscription_id', 'stripe_tx_subscription_id', 'stripe_payment_method_id',
  'subscription_status', 'subscription_tier', 'tx_subscription_status', 'tx_subscription_tier',
  'billing_catalog_version', 'pending_commitment_tier', 'pending_commitment_effective_at'
]
const numbers = [
  'updated_by_webhook', 'subscription_cancellation_date', 'subscription_current_period_start',
  'subscription_current_period_end', 'tx_subscription_cancellation_date', 'tx_subscription_current_period_start',
  'tx_subscription_current_period_end', 'billing_contract_version'
]
const flags = ['subscription_cancel_at_period_end', 'tx_subscription_cancel_at_period_end', 'transcription_enabled']

const billing = model(Object.fromEntries<Reader<unknown>>([
  ...texts.map((name) => [name, nullable(text())] as const),
  ...numbers.map((name) => [name, nullable(wholeNumber)] as const),
  ...flags.map((name) => [name, nullable(flag)] as const)
]), { others: 'rejected' })

const strictMembers = model({ max_concurrent_bots: nullable(count), data: nullable(billing) }, { others: 'rejected' })

const strictPatch: typeof strictMembers = (input, loc, issues) => {
  const patch = strictMembers(input, loc, issues)
  if (issues.length > 0) return patch
  const { max_concurrent_bots: bots = null, data } = patch
  if (bots !== null || Object.keys(data ?? {}).length > 0) return patch
  const msg = 'Value error, at least one user field must be supplied'
  return report(issues, 'value_error', loc, msg, input, { error: {} })
}

/**
 * Returns a function for `users.edit` that returns the changes in a body of `PATCH /admin/users/:user_id`. The changes
 * replace each first-level member of `data` as a whole. The function throws DetailError, 400, if the body has an
 * address that is not the address of the user.
 *
 * @throws {DetailError} 422 if the body is not valid
 */
export function readPatch (body: unknown, strict: boolean): (user: User) => UpdateUser {
  if (strict) {
    const { max_concurrent_bots: bots, data } = read(strictPatch, body, ['body'])
    return (user) => ({ max_concurrent_bots: bots ?? undefined, ...changeData(user, data ?? {}) })
  }
  const { email, name, image_url: image, max_concurrent_bots: bots, data } = read(unionPatch, body, ['body'])
  const members = { ...data, ...image !== undefined && { [imageName]: image ?? undefined } }
  return (user) => {
    if (email !== undefined && normalizeEmail(email ?? '') !== user.email) {
      throw new DetailError(400, 'Cannot change user email via this endpoint.')
    }
    return { name, max_concurrent_bots: bots ?? undefined, ...changeData(user, members) }
  }
}
