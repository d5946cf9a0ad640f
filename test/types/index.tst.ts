import { Readable } from 'node:stream'
import Fastify, { type FastifyRequest } from 'fastify'
import vexaAdmin, {
  UserNotFoundError, openVexaAdmin, vexaAdmin as named,
  type AdminKey, type AuditEntry, type FoundToken, type ImportIssue, type ImportLine, type ImportResult,
  type OpenVexaAdmin, type Permission, type PortableStorageAdapter, type StorageAdapter, type Token, type TokenService,
  type RequireTokenHook, type User, type UserService, type UserWithTokens, type Verification,
  type VexaAdminOptions
} from 'fastify-vexa-admin'
import { KyselyStorage, migrateStorage, sqliteStorage } from 'fastify-vexa-admin'
import { testStorage } from 'fastify-vexa-admin/conformance'
import { vexaCompatibility, type VexaCompatibilityOptions } from 'fastify-vexa-admin/vexa'
import { Kysely, SqliteDialect, type Dialect } from 'kysely'
import { test as nodeTest } from 'node:test'
import { test as tapTest } from 'tap'
import { describe, expect, test } from 'tstyche'

const app = Fastify()

describe('app.register', () => {
  test('register: accepts the options', () => {
    expect(app.register).type.toBeCallableWith(vexaAdmin, { adminKeys: process.env.ADMIN_API_KEY })
    expect(app.register).type.toBeCallableWith(named, {
      adminKeys: [
        'a', { name: 'ops', key: process.env.OPS_KEY }, { name: 'ci', sha256: 'b', permissions: ['read'] }
      ] as const,
      prefix: '/x',
      scopes: ['bot'] as const,
      duplicateEmail: 'return'
    })
    expect(app.register).type.toBeCallableWith(vexaAdmin, {
      authorize: async (request: FastifyRequest) => request.headers.host === 'x'
    })
    expect(app.register).type.toBeCallableWith(vexaAdmin, {
      authorize: () => ({ actor: 'jane', permissions: ['read', 'users'] }),
      trustedOrigins: ['https://admin.example'] as const
    })
    expect(app.register).type.toBeCallableWith(vexaAdmin, {
      authorize: async (request: FastifyRequest) => request.id === 'x' && { actor: 'jane' }
    })
    expect(app.register).type.toBeCallableWith(vexaAdmin, { adminKeys: 'a', tokenPrefix: ['new_', 'vex_'] as const })
    expect(app.register).type.toBeCallableWith(vexaAdmin, { adminKeys: 'a', legacyTokens: [/sk_\w{40}/] as const })
  })

  test('register: rejects unknown options and values', () => {
    expect<VexaAdminOptions>().type.not.toBeAssignableFrom({ adminKey: 'x' })
    expect<VexaAdminOptions>().type.not.toBeAssignableFrom({ duplicateEmail: 'ignore' })
    expect<VexaAdminOptions>().type.not.toBeAssignableFrom({ storage: {} })
    expect<VexaAdminOptions>().type.not.toBeAssignableFrom({ adminKeys: 'a', legacyTokens: /sk_/ })
    expect<VexaAdminOptions>().type.not.toBeAssignableFrom({ adminKeys: 'a', audit: { days: 30 } })
    expect<VexaAdminOptions>().type.toBeAssignableFrom({ adminKeys: 'a', audit: { retention: 30 } })
    expect<VexaAdminOptions>().type.not.toBeAssignableFrom({ authorize: () => ({ name: 'jane' }) })
    expect<AdminKey>().type.not.toBeAssignableFrom({ key: 'a' })
    expect<AdminKey>().type.not.toBeAssignableFrom({ name: 'ops', key: 'a', sha256: 'b' })
    expect<AdminKey>().type.not.toBeAssignableFrom({ name: 'ops', key: 'a', permissions: ['write'] as const })
  })
})

describe('app.vexaAdmin', () => {
  const { users, tokens, audit, requireToken, ping } = app.vexaAdmin

  test('settings: can be read only', () => {
    expect(app.vexaAdmin.settings.token_prefixes).type.toBe<readonly string[]>()
    expect(app.vexaAdmin.settings.max_token_lifetime).type.toBe<number | null>()
    expect(app.vexaAdmin.settings).type.not.toHaveProperty('key')
  })

  test('ping: takes nothing and returns nothing', () => {
    expect(ping()).type.toBe<Promise<void>>()
  })

  test('import, export: arguments and results have their types', () => {
    const { import: importLines, export: exportLines } = app.vexaAdmin
    expect(importLines('{}')).type.toBe<Promise<ImportResult>>()
    expect(importLines).type.toBeCallableWith(new Readable(), { dryRun: true, onConflict: 'merge', keepIds: undefined })
    expect(importLines).type.toBeCallableWith([{ user: { ref: '1', email: 'a@b' } }], { actor: 'ops' })
    expect(importLines).type.toBeCallableWith(exportLines(), {
      onIssue: ({ line, kind, message }: ImportIssue) => console.log(line, kind, message),
      onUser: async ({ ref, id }: { ref: string, id: string }) => console.log(ref, id),
      signal: new AbortController().signal
    })
    expect(importLines).type.not.toBeCallableWith(7)
    expect(importLines).type.not.toBeCallableWith([], { onConflict: 'replace' })
    expect(exportLines()).type.toBe<AsyncGenerator<ImportLine, void, undefined>>()
    expect<ImportLine>().type.toBeAssignableFrom({ token: { user: '1', sha256: 'x', scopes: null, expires_in: null } })
    expect<ImportLine>().type.not.toBeAssignableFrom({ token: { user: '1', email: 'a@b' } })
    expect<PortableStorageAdapter>().type.toBeAssignableFrom<KyselyStorage>()
  })

  test('audit: arguments and results have the types of the wire', () => {
    expect(audit.list()).type.toBe<Promise<AuditEntry[]>>()
    expect(audit.list).type.toBeCallableWith({ order: 'asc', after: 'audit-1', limit: 1, user_id: undefined })
    expect(audit.list).type.toBeCallableWith({ action: 'token.rotated', actor: 'ops', since: '2024-01-01T00:00:00Z' })
    expect(audit.list).type.not.toBeCallableWith({ action: 'token.used' })
    expect(audit.list).type.not.toBeCallableWith({ count: true })
  })

  test('users: arguments and results have the types of the wire', () => {
    expect(users.create({ email: 'a@b', name: undefined, data: { any: ['thing'] } })).type.toBe<Promise<User>>()
    expect(users.get('user-1')).type.toBe<Promise<UserWithTokens>>()
    expect(users.getByEmail('a@b')).type.toBe<Promise<UserWithTokens>>()
    expect(users.list({ after: 'user-1', order: 'desc', limit: undefined })).type.toBe<Promise<User[]>>()
    expect(users.update('user-1', { disabled: true, data: null })).type.toBe<Promise<User>>()
    expect(users.delete('user-1')).type.toBe<Promise<void>>()
    expect(users.create({ email: 'a@b' }, { actor: 'cron' })).type.toBe<Promise<User>>()
    expect(users.delete('user-1', { actor: undefined })).type.toBe<Promise<void>>()
    expect(users.update).type.not.toBeCallableWith('user-1', {}, { requestId: 'forged' })
    expect(users.delete).type.not.toBeCallableWith('user-1', 0)
    expect(users.create).type.not.toBeCallableWith({})
    expect(users.create).type.not.toBeCallableWith({ email: 'a@b', max_concurrent_bots: '3' })
    expect(users.list).type.not.toBeCallableWith({ order: 'random' })
    expect(users).type.not.toHaveProperty('createOrReturn')
  })

  test('tokens: arguments and results have the types of the wire', () => {
    expect(tokens.create('user-1')).type.toBe<Promise<Token>>()
    expect(tokens.create('user-1', { name: 'CI', scopes: ['bot'], expires_in: 60 })).type.toBe<Promise<Token>>()
    expect(tokens.list('user-1')).type.toBe<Promise<Token[]>>()
    expect(tokens.list('user-1', { after: 'token-1', order: 'desc', limit: undefined })).type.toBe<Promise<Token[]>>()
    expect(tokens.list).type.not.toBeCallableWith('user-1', { search: 'x' })
    expect(tokens.get('token-1')).type.toBe<Promise<FoundToken>>()
    expect(tokens.find()).type.toBe<Promise<FoundToken[]>>()
    expect(tokens.find({ search: 'x', start: 'vex_', state: 'expired', limit: 1 })).type.toBe<Promise<FoundToken[]>>()
    expect(tokens.find).type.toBeCallableWith({ unused_since: '2024-01-01T00:00:00Z', expires_before: undefined })
    expect(tokens.find).type.not.toBeCallableWith({ state: 'revoked' })
    expect(tokens.find).type.not.toBeCallableWith({ count: true })
    expect(tokens.update('token-1', { name: null, scopes: null, disabled: true })).type.toBe<Promise<Token>>()
    expect(tokens.update).type.toBeCallableWith('token-1', { expires_in: null, data: null }, { actor: 'cron' })
    expect(tokens.update).type.not.toBeCallableWith('token-1', { user_id: 'user-1' })
    expect(tokens.prune('2024-01-01T00:00:00Z', { actor: 'cron' })).type.toBe<Promise<{ deleted: number }>>()
    expect(tokens.prune).type.not.toBeCallableWith()
    expect(tokens.create('user-1', { data: { a: 1 }, prefix: 'vex_' })).type.toBe<Promise<Token>>()
    expect(tokens.rotate('token-1', { grace_period: 60 })).type.toBe<Promise<Token>>()
    expect(tokens.revoke('token-1')).type.toBe<Promise<void>>()
    expect(tokens.revokeAll('user-1')).type.toBe<Promise<void>>()
    expect(tokens.verify({ token: 'vex_', scopes: ['bot'] })).type.toBe<Promise<Verification>>()
    expect(tokens.verify({ token: 'vex_', touch: false })).type.toBe<Promise<Verification>>()
    expect(tokens.create('user-1', undefined, { actor: 'cron' })).type.toBe<Promise<Token>>()
    expect(tokens.rotate('token-1', {}, { actor: 'cron' })).type.toBe<Promise<Token>>()
    expect(tokens.revokeAll('user-1', { actor: 'cron' })).type.toBe<Promise<void>>()
    expect(tokens.create).type.not.toBeCallableWith('user-1', {}, 'cron')
    expect(tokens.create).type.not.toBeCallableWith('user-1', { expires_at: '2030-01-01' })
  })

  test('tokens.verify: `valid` narrows the result', async () => {
    type Code = 'NOT_FOUND' | 'EXPIRED' | 'TOKEN_DISABLED' | 'DISABLED' | 'INSUFFICIENT_SCOPE'
    const verification = await tokens.verify({ token: 'vex_' })
    if (verification.valid) expect(verification.user).type.toBe<User>()
    else expect(verification.code).type.toBe<Code>()
  })

  test('requireToken: returns a hook, and types the request', () => {
    expect(requireToken({ scopes: ['bot'] })).type.toBe<RequireTokenHook>()
    app.get('/', { onRequest: requireToken(), preHandler: [requireToken()] }, async (request) => {
      expect(request.apiUser).type.toBe<User>()
      expect(request.apiToken).type.toBe<Token>()
    })
  })
})

test('Permission: is one of the documented names', () => {
  expect<Permission>().type.toBe<'read' | 'users' | 'tokens' | 'verify' | 'audit'>()
})

test('openVexaAdmin: accepts the options that concern services', async () => {
  expect(openVexaAdmin()).type.toBe<Promise<OpenVexaAdmin>>()
  expect(openVexaAdmin).type.toBeCallableWith({ storage: sqliteStorage(), scopes: ['bot'] as const, tokenCache: false })
  expect(openVexaAdmin).type.not.toBeCallableWith({ adminKeys: 'x' })
  expect(openVexaAdmin).type.not.toBeCallableWith({ prefix: '/admin' })
  const { users, tokens, ping, close } = await openVexaAdmin()
  expect(users).type.toBe<UserService>()
  expect(tokens).type.toBe<TokenService>()
  expect(ping()).type.toBe<Promise<void>>()
  expect(close()).type.toBe<Promise<void>>()
})

test('User, Token, FoundToken: have the members of the wire', () => {
  expect<User>().type.toBe<{
    id: string
    email: string
    name: string | null
    max_concurrent_bots: number
    created_at: string
    disabled?: boolean
    data?: Record<string, unknown>
  }>()
  expect<Token>().type.toBe<{
    id: string
    token: string
    user_id: string
    created_at: string
    name?: string
    scopes?: string[]
    expires_at?: string
    last_used_at?: string
    disabled?: boolean
    data?: Record<string, unknown>
    start?: string
  }>()
  expect<Omit<FoundToken, 'user'>>().type.toBe<Omit<Token, 'user'>>()
  expect<FoundToken['user']>().type.toBe<{ id: string, email: string, name: string | null }>()
})

test('errors: the type holds the code', () => {
  expect(new UserNotFoundError()).type.toBeAssignableTo<UserNotFoundError>()
  expect<UserNotFoundError['code']>().type.toBe<'VEXA_ADMIN_ERR_USER_NOT_FOUND'>()
})

test('StorageAdapter: every method is required', () => {
  expect<StorageAdapter>().type.not.toBeAssignableFrom<Omit<StorageAdapter, 'rotateToken'>>()
})

describe('storage', () => {
  test('KyselyStorage: accepts a dialect or a Kysely of any tables, not both', () => {
    const dialect = {} as Dialect
    expect(KyselyStorage).type.toBeConstructableWith({ dialect, tablePrefix: undefined, migrate: false })
    expect(KyselyStorage).type.toBeConstructableWith({
      db: new Kysely<{ projects: { name: string } }>({ dialect: new SqliteDialect({ database: {} as never }) })
    })
    expect(KyselyStorage).type.not.toBeConstructableWith({ dialect, db: {} as Kysely<object> })
    expect(KyselyStorage).type.not.toBeConstructableWith({})
    expect(KyselyStorage).type.not.toBeConstructableWith({ dialect: { query: async () => {} } })
    expect(KyselyStorage).type.not.toBeConstructableWith({ dialect: new Kysely<object>({ dialect }) })
    expect(KyselyStorage).type.not.toBeConstructableWith({ db: dialect })
    expect<VexaAdminOptions['storage']>().type.toBeAssignableFrom<KyselyStorage>()
  })

  test('migrateStorage: accepts any KyselyStorage', () => {
    expect(migrateStorage(sqliteStorage())).type.toBe<Promise<{ from: number, to: number }>>()
  })

  test('testStorage: accepts the test of any runner', () => {
    const createStorage = async () => ({}) as StorageAdapter
    expect(testStorage).type.toBeCallableWith(nodeTest, createStorage)
    expect(testStorage).type.toBeCallableWith(tapTest, createStorage)
    expect(testStorage).type.toBeCallableWith(
      (name: string, run: () => Promise<void>) => { expect(name).type.toBe<string>(); run() }, () => sqliteStorage()
    )
    expect(testStorage).type.not.toBeCallableWith(nodeTest, () => ({ open: async () => {} }))
    const own = async () => Object.assign({} as StorageAdapter, { place: 'x' })
    testStorage(nodeTest, own, {
      share: ({ place }) => {
        expect(place).type.toBe<string>()
        return sqliteStorage()
      },
      fail: ({ place }) => { expect(place).type.toBe<string>() }
    })
    testStorage(nodeTest, own, { fail: async () => {} })
  })
})

describe('vexaCompatibility', () => {
  test('register: accepts the options, and the prefix of Fastify', () => {
    expect(app.register).type.toBeCallableWith(vexaCompatibility, { adminKey: process.env.ADMIN_API_TOKEN })
    expect(app.register).type.toBeCallableWith(vexaCompatibility, {
      adminKey: 'a', analyticsKey: undefined, internalSecret: 'b', shape: '0.12', prefix: '/vexa'
    })
  })

  test('register: rejects unknown options and values', () => {
    expect(app.register).type.not.toBeCallableWith(vexaCompatibility, {})
    expect<VexaCompatibilityOptions>().type.not.toBeAssignableFrom({ adminKey: 'a', shape: '0.10' })
    expect<VexaCompatibilityOptions>().type.not.toBeAssignableFrom({ adminKeys: 'a' })
  })
})
