import { createHash } from 'node:crypto'
import { Type } from '@sinclair/typebox'
import { Expected } from '../schemas/annotations.js'
import type { UserWithTokens } from '../schemas/users.js'
import type { IsExpected, Versioned } from '../services/users.js'

// RFC 9110, section 8.8.3, defines the form of an entity tag.
const tag = '(?:W/)?"[!\\x23-\\x7E\\x80-\\xFF]*"'
const tagList = `^(?:\\*|[ \\t,]*${tag}(?:[ \\t]*,(?:[ \\t]*${tag})?)*[ \\t]*)$`
const tags = /(W\/)?"([^"]*)"/g

/** Headers of the routes that change or delete a user. */
export const IfMatchHeaders = Type.Object({
  'if-match': Type.Optional(Type.String({
    pattern: tagList,
    description: 'The `ETag` of a reply with the user, a list of such tags, or `*`. If the user has changed since ' +
      'the reply with the tag, this request gets 412 and changes nothing.',
    [Expected]: 'Expected entity tags such as "7", separated by commas, or *'
  }))
})

/** Header `ETag` of a reply with a user, for OpenAPI documents. */
export const etagHeader = {
  etag: { type: 'string', description: 'The tag of this version of the user, for `If-Match`.' }
}

/** Returns the `ETag` of a reply with a user: its revision. */
export function tagOf ({ revision }: Versioned): string {
  return `"${revision}"`
}

/**
 * Returns the `ETag` of a reply with a user and its tokens: the revision of the user, and a hash of the tokens, because
 * a change of a token does not change the revision.
 */
export function tagWithTokensOf ({ user, revision }: Versioned<UserWithTokens>): string {
  // Hashes one token at a time, because the JSON of all tokens may be longer than the longest string of V8.
  const digest = createHash('sha256')
  for (const token of user.api_tokens) digest.update(JSON.stringify(token))
  return `"${revision}-${digest.digest('base64url').slice(0, 22)}"`
}

/**
 * Returns a function that tells whether the header `If-Match` names a revision. The header must be valid. Returns
 * `undefined` if the header is absent or `*`. The function ignores the hash of the tokens in a tag, because the request
 * changes only the user. A weak tag names no revision (RFC 9110, section 13.1.1).
 */
export function expectedBy (ifMatch: string | undefined): IsExpected | undefined {
  if (ifMatch === undefined || ifMatch === '*') return undefined
  const named = [...ifMatch.matchAll(tags)].flatMap(([, weak, value = '']) => weak === undefined ? [value] : [])
  return (revision) => named.some((value) => value === `${revision}` || value.startsWith(`${revision}-`))
}
