import t from 'tap'
import { hashOf, readRoute, type Screen } from '../../src/console/hash-route.js'

t.test('hash route: each place comes back from its hash', async (t) => {
  const places: Array<[hash: string, screen: Screen, id: string]> = [
    ['#/users', 'users', ''],
    ['#/users/user-12', 'user', 'user-12'],
    ['#/tokens', 'tokens', ''],
    ['#/audit', 'audit', ''],
    ['#/audit/user-12', 'audit', 'user-12']
  ]
  for (const [hash, screen, id] of places) {
    t.same(readRoute(hash), { screen, id }, hash)
    t.equal(hashOf(screen, id), hash)
  }
})

t.test('hash route: an unknown hash names the list of users', async (t) => {
  for (const hash of ['', '#', '#/', '#/settings', '#/users/a@example.com', '#/users/user-1/x', '#/tokens/token-1']) {
    t.match(readRoute(hash), { id: '' }, hash)
    t.not(readRoute(hash).screen, 'user', hash)
  }
})
