import t from 'tap'
import { toId, toKey } from '../../src/services/ids.js'

t.test('toId, toKey: an id is its kind and the key of the storage', async (t) => {
  t.equal(toId('user', '123'), 'user-123')
  t.equal(toKey('user', 'user-123'), '123')
  t.equal(toKey('token', toId('token', '0b3f-_Z')), '0b3f-_Z', 'a storage may have keys of any form')
})

t.test('toKey: returns undefined when no storage could have made the key', async (t) => {
  for (const id of [
    '', 'user', 'user-', '123', 'token-123', 'USER-123', ' user-123', 'user-1 ', 'user-1\n', 'user-1\0', 'user-é',
    'user-a/b', `user-${'1'.repeat(256)}`
  ]) {
    t.equal(toKey('user', id), undefined, JSON.stringify(id))
  }
  t.equal(toKey('user', 123 as never), undefined)
})
