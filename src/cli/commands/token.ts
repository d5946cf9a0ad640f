import { confirm, readLine, type Cli } from '../cli.js'
import { UsageError } from '../cli-errors.js'
import { foundTokenColumns, foundTokenDetails, tokenColumns, tokenDetails, verificationDetails } from '../columns.js'
import { defineCommand } from '../command.js'
import {
  changeOptions, choice, databaseOptions, duration, either, flag, integer, json, list as texts, text, time, type Values
} from '../options.js'
import { pagesOf } from '../paging.js'
import { changeBy, openServices } from '../services.js'
import { longestPrefix, prefixOfStart, prefixOfValue, randomPartLength } from '../token-prefix.js'

const pageOptions = {
  order: choice(['asc', 'desc'], 'The oldest token first (asc, the default), or the newest (desc)'),
  limit: integer('NUMBER', 'List at most this number of tokens', 1)
}
const scopeOption = texts('SCOPE', 'A scope of the token, as the app names it. Each name is accepted, because the ' +
  'command does not load the app')
const once = 'Only this command shows the value.'

const create = defineCommand({
  summary: 'Create a token for a user',
  details: 'Prints only the value of the token on stdout. Without --scope, the token may do everything. Without ' +
    '--expires-in, the token never expires, even if the app has a longest lifetime.',
  arguments: ['USER_ID'],
  options: {
    name: text('NAME', 'The name of the token'),
    scope: scopeOption,
    'expires-in': duration('The lifetime, in seconds or as 15m, 12h, 90d, 4w'),
    data: json('Data of your own, a JSON object'),
    prefix: text('PREFIX', 'The first characters of the value, from the option tokenPrefix of the app. Default: vex_'),
    ...databaseOptions,
    ...changeOptions
  },
  examples: [
    ['Create a token, and keep its value in a variable', 'TOKEN=$(npx fastify-vexa-admin token create user-1)'],
    [
      'Create a token with two scopes that expires after 90 days',
      'npx fastify-vexa-admin token create user-1 --name CI --scope bot --scope read --expires-in 90d'
    ]
  ],
  async run (cli, { args: [userId], values }) {
    const { name, scope: scopes, 'expires-in': expiresIn, data, prefix } = values
    const { tokens } = await openServices(cli, values, { scopes, tokenPrefix: prefix })
    const input = { name, expires_in: expiresIn, data, prefix, ...withScopes(scopes) }
    const token = await tokens.create(userId, input, changeBy(values))
    await cli.output.secret(token, token.token, `Created ${token.id} for ${token.user_id}. ${once}`,
      `Created ${token.id}, but its value could not be written: revoke it`)
  }
})

const list = defineCommand({
  summary: 'List the tokens of a user',
  arguments: ['USER_ID'],
  options: { ...pageOptions, ...databaseOptions },
  examples: [['List the tokens of a user', 'npx fastify-vexa-admin token list user-1']],
  async run (cli, { args: [userId], values }) {
    const { order, limit } = values
    const { tokens } = await openServices(cli, values)
    await cli.output.list(pagesOf((page) => tokens.list(userId, { ...page, order }), limit), tokenColumns)
  }
})

const find = defineCommand({
  summary: 'List the tokens of all users',
  details: 'A token must match each option.',
  arguments: [],
  options: {
    start: text('START', 'Only tokens whose value begins with these characters: the prefix and up to 4 more. Tokens ' +
      'that the app created without its option tokenStart are not found'),
    search: text('TEXT', 'Only tokens whose name contains this text, in any letter case'),
    state: choice(['active', 'disabled', 'expired'], 'Only tokens in this state now'),
    'unused-since': time('Only tokens whose last use is before this time. For a token that was never used, its creation counts'),
    'expires-before': time('Only tokens that expire, or expired, before this time'),
    ...pageOptions,
    ...databaseOptions
  },
  examples: [
    ['Find the token of which a log shows the start', 'npx fastify-vexa-admin token find --start vex_UAC6'],
    ['List tokens that nobody has used for 90 days', 'npx fastify-vexa-admin token find --unused-since now-90d'],
    [
      'List active tokens that expire within a week',
      'npx fastify-vexa-admin token find --state active --expires-before now+7d'
    ]
  ],
  async run (cli, { values }) {
    const { start, search, state, order, limit, 'unused-since': unusedSince, 'expires-before': expiresBefore } = values
    if (start !== undefined && start.length >= randomPartLength) {
      throw new UsageError('--start takes only the first characters, because other users of the machine can see ' +
        'arguments: give a whole value to token verify on stdin')
    }
    // The services limit the length of `start` by the longest prefix. The command does not know the prefixes of the
    // app, so it passes one of the maximum length.
    const { tokens } = await openServices(cli, values, { tokenPrefix: longestPrefix })
    const filter = { start, search, state, order, unused_since: unusedSince, expires_before: expiresBefore }
    await cli.output.list(pagesOf((page) => tokens.find({ ...page, ...filter }), limit), foundTokenColumns)
  }
})

const show = defineCommand({
  summary: 'Show a token and its user',
  arguments: ['ID'],
  options: databaseOptions,
  examples: [['Show the token with an id', 'npx fastify-vexa-admin token show token-1']],
  async run (cli, { args: [id], values }) {
    const { tokens } = await openServices(cli, values)
    await cli.output.value(await tokens.get(id), foundTokenDetails)
  }
})

const update = defineCommand({
  summary: 'Update, disable or enable a token',
  details: 'Members without an option stay as they are. An expired token cannot be updated.',
  arguments: ['ID'],
  options: {
    name: text('NAME', 'The name of the token'),
    'no-name': flag('Remove the name'),
    scope: scopeOption,
    'all-scopes': flag('Let the token do everything'),
    disable: flag('Disable the token: it is rejected'),
    enable: flag('Enable a disabled token'),
    'expires-in': duration('The lifetime from now, in seconds or as 15m, 12h, 90d, 4w'),
    'no-expiry': flag('Let the token never expire'),
    data: json('Changes of the data, a JSON Merge Patch: a member with null is removed'),
    'no-data': flag('Remove all data'),
    ...databaseOptions,
    ...changeOptions
  },
  examples: [
    ['Reject a token until it is enabled again', 'npx fastify-vexa-admin token update token-1 --disable'],
    ['Let a token expire in an hour', 'npx fastify-vexa-admin token update token-1 --expires-in 1h']
  ],
  async run (cli, { args: [id], values }) {
    // The services accept `scopes: null` only if the option `scopes` is not empty, so the option gets an arbitrary
    // name.
    const known = values['all-scopes'] ? ['*'] : values.scope
    const { tokens } = await openServices(cli, values, { scopes: known })
    const token = await tokens.update(id, {
      name: either(values, 'name', 'no-name', null),
      ...withScopes(either(values, 'scope', 'all-scopes', null)),
      disabled: either(values, 'disable', 'enable', false),
      expires_in: either(values, 'expires-in', 'no-expiry', null),
      data: either(values, 'data', 'no-data', null)
    }, changeBy(values))
    await cli.output.value(token, tokenDetails)
  }
})

const rotate = defineCommand({
  summary: 'Replace a token by a new one, with the same user, name, scopes and data',
  details: 'Prints only the new value on stdout. The old token is revoked at once, or ends after --grace-period.',
  arguments: ['ID'],
  options: {
    'grace-period': duration('The time for which the old token stays valid, in seconds or as 15m, 12h, 7d'),
    prefix: text('PREFIX', 'The first characters of the new value. Default: those of the old token, if its start ' +
      'shows a prefix that ends in _ or -'),
    ...databaseOptions,
    ...changeOptions
  },
  examples: [[
    'Replace a token, which stays valid for an hour',
    'NEW_TOKEN=$(npx fastify-vexa-admin token rotate token-1 --grace-period 1h)'
  ]],
  async run (cli, { args: [id], values }) {
    const tokenPrefix = values.prefix ?? await findPrefix(cli, values, id)
    const { tokens } = await openServices(cli, values, { tokenPrefix })
    const token = await tokens.rotate(id, { grace_period: values['grace-period'] }, changeBy(values))
    await cli.output.secret(token, token.token, `Replaced ${id} by ${token.id}. ${once}`,
      `Replaced ${id} by ${token.id}, but the value of ${token.id} could not be written: revoke ${token.id}`)
  }
})

const revoke = defineCommand({
  summary: 'Revoke a token, or all tokens of a user',
  details: 'On a terminal, the command asks before it revokes all tokens of a user.',
  arguments: ['[ID]'],
  options: {
    user: text('USER_ID', 'Revoke all tokens of this user'),
    yes: flag('Do not ask'),
    ...databaseOptions,
    ...changeOptions
  },
  examples: [
    ['Revoke a token', 'npx fastify-vexa-admin token revoke token-1'],
    ['Revoke all tokens of a user', 'npx fastify-vexa-admin token revoke --user user-1']
  ],
  async run (cli, { args: [id], values }) {
    const { user, yes } = values
    if ((id === undefined) === (user === undefined)) throw new UsageError('Give either the ID of a token or --user')
    const { tokens } = await openServices(cli, values)
    if (id !== undefined) {
      await tokens.revoke(id, changeBy(values))
      return cli.output.done({ id, revoked: true }, `Revoked ${id}`)
    }
    if (!yes) await confirm(cli, `Revoke all tokens of ${user}?`)
    await tokens.revokeAll(user as string, changeBy(values))
    await cli.output.done({ user_id: user, revoked: true }, `Revoked all tokens of ${user}`)
  }
})

const verify = defineCommand({
  summary: 'Check a value on stdin: print its user and token, or why it is not valid',
  details: 'Reads the value from stdin, because other users of the machine can see arguments. The exit code is 1 if ' +
    'the value is not valid. The check does not count as a use of the token. A value of an imported token is valid even ' +
    'if the app has no form for it in its option legacyTokens.',
  arguments: [],
  surplus: 'A value is never an argument, because other users of the machine can see arguments. Send it on stdin, ' +
    'and rotate the token if the machine has other users',
  options: {
    scope: texts('SCOPE', 'A scope that the token must have'),
    touch: flag('Count the check as a use of the token'),
    ...databaseOptions
  },
  examples: [
    ['Check the value in a variable', 'printf %s "$TOKEN" | npx fastify-vexa-admin token verify'],
    ['Find the id of a leaked token', 'npx fastify-vexa-admin token verify --json < leaked.txt | jq -r .token.id']
  ],
  async run (cli, { values }) {
    if (cli.process.stdin.isTTY) await cli.output.note('Paste the value, and press Enter.')
    const value = await readLine(cli)
    if (value === '') throw new UsageError('There is no value on stdin')
    const { scope: scopes, touch = false } = values
    // The command does not know the forms of imported tokens. With this form, the services look up each value.
    const use = { scopes, tokenPrefix: prefixOfValue(value), legacyTokens: [/[!-~]+/] }
    const { tokens } = await openServices(cli, values, use)
    const verification = await tokens.verify({ token: value, touch, ...withScopes(scopes) })
    await cli.output.value(verification, verificationDetails)
    return verification.valid ? undefined : 'not done'
  }
})

/**
 * Returns an object with the member `scopes` if scopes are given, and otherwise an empty object. Without the option
 * `scopes`, the services would reject this member.
 */
function withScopes<T> (scopes: T | undefined): { scopes?: T } {
  return scopes === undefined ? {} : { scopes }
}

/**
 * Returns the prefix that the `start` of a token shows. There is no default, because the app would reject a value with
 * a wrong prefix.
 *
 * @throws {UsageError} if the start shows no prefix
 */
async function findPrefix (cli: Cli, values: Values<typeof databaseOptions>, id: string): Promise<string> {
  const { tokens, close } = await openServices(cli, values)
  const { start = '' } = await tokens.get(id)
  await close()
  const prefix = prefixOfStart(start)
  if (prefix !== undefined) return prefix
  throw new UsageError('The prefix of your app is not known from this token: give it with --prefix, such as ' +
    '--prefix vex_')
}

/** The commands that begin with `token`. */
export const token = {
  summary: 'Create, list, find, show, update, rotate, revoke and verify API tokens',
  commands: { create, list, find, show, update, rotate, revoke, verify }
}
