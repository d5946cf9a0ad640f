import type { components } from '../../examples/openapi-types.js'

// The document describes an app without scopes and with one prefix. These types describe every app.

type Schemas = components['schemas']

export type AuditEntry = Schemas['AuditEntry']
export type CreateToken = Omit<Schemas['CreateToken'], 'prefix'> & { prefix?: string, scopes?: string[] }
export type CreateUser = Schemas['CreateUser']
export type FoundToken = Schemas['FoundToken']
/** A token of a list. Only the list of all tokens names the user of each. */
export type ListedToken = Token & Partial<Pick<FoundToken, 'user'>>
export type PrunedTokens = Schemas['PrunedTokens']
export type Settings = Schemas['Settings']
export type Permission = Settings['key']['permissions'][number]
export type Token = Schemas['Token']
export type UpdateToken = Schemas['UpdateToken'] & { scopes?: string[] | null }
export type UpdateUser = Schemas['UpdateUser']
export type User = Schemas['User']
