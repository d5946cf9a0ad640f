import type { FastifyInstance } from 'fastify'
import { check } from '../check-options.js'

/** The scopes that a token of Vexa may have. */
export const vexaScopes = ['bot', 'tx', 'browser'] as const

/** Returns the prefix of the values of tokens with this scope. */
export function prefixFor (scope: string): string {
  return `vxa_${scope}_`
}

/**
 * Checks that the app has the plugin fastify-vexa-admin with the scopes and prefixes of Vexa, and that Vexa's path
 * `/admin/users` is free.
 *
 * @throws {InvalidOptionError} if one of these conditions is not met
 */
export function checkApp (fastify: FastifyInstance): void {
  check(fastify.hasDecorator('vexaAdmin'),
    'vexaCompatibility needs app.vexaAdmin: register fastify-vexa-admin first, in the same scope or in an enclosing one')
  const { scopes, token_prefixes: prefixes } = fastify.vexaAdmin.settings
  check(haveSameNames(scopes, vexaScopes),
    `vexaCompatibility needs fastify-vexa-admin with the option \`scopes: ${list(vexaScopes)}\``)
  check(haveSameNames(prefixes, vexaScopes.map(prefixFor)),
    `vexaCompatibility needs fastify-vexa-admin with the option \`tokenPrefix: ${list(vexaScopes.map(prefixFor))}\``)
  const path = `${fastify.prefix}/admin/users`
  check(!fastify.hasRoute({ method: 'GET', url: path }),
    `vexaCompatibility needs the path ${path}, which the app has already: give fastify-vexa-admin another \`prefix\`, ` +
    'such as /api/admin, or register vexaCompatibility with a `prefix`')
}

function haveSameNames (names: readonly string[], others: readonly string[]): boolean {
  return names.length === others.length && names.every((name) => others.includes(name))
}

function list (names: readonly string[]): string {
  return `[${names.map((name) => `'${name}'`).join(', ')}]`
}
