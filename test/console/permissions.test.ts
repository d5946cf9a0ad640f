import t from 'tap'
import { maySee, screensFor } from '../../src/console/permissions.js'
import type { Permission, Settings } from '../../src/console/types.js'

const settings = (audit: boolean, permissions: Permission[]): Settings => ({
  version: '0.1.0',
  scopes: [],
  token_prefixes: ['vex_'],
  default_max_concurrent_bots: 3,
  max_token_lifetime: null,
  audit,
  key: { name: null, permissions }
})

t.test('permissions: an admin sees the screens that the key may read', async (t) => {
  t.same(screensFor(settings(true, ['read', 'users', 'tokens', 'verify', 'audit'])), ['users', 'tokens', 'audit'])
  t.same(screensFor(settings(false, ['read', 'audit'])), ['users', 'tokens'])
  t.same(screensFor(settings(true, ['audit'])), ['audit'])
  t.same(screensFor(settings(true, ['verify', 'users'])), [])
})

t.test('permissions: the screen of a user needs the same as the list of users', async (t) => {
  t.equal(maySee(settings(false, ['read']), 'user'), true)
  t.equal(maySee(settings(true, ['audit']), 'user'), false)
  t.equal(maySee(settings(true, ['audit']), 'audit'), true)
})
