import t from 'tap'
import type { User } from '../../src/console/types.js'
import { changesOf, compareVersions, revisionOf, toForm } from '../../src/console/versions.js'

const user: User = {
  id: 'user-1', email: 'ada@example.com', name: null, max_concurrent_bots: 3, created_at: '2026-01-01T00:00:00.000Z'
}

t.test('versions: a form that nobody touched changes nothing', async (t) => {
  t.same(toForm(user), { email: 'ada@example.com', name: '', max_concurrent_bots: '3' })
  t.same(changesOf(user, toForm(user)), {})
})

t.test('versions: the changes are the members that differ', async (t) => {
  t.same(changesOf(user, { ...toForm(user), email: ' new@example.com ' }), { email: 'new@example.com' })
  const form = { ...toForm(user), name: 'Ada', max_concurrent_bots: '0' }
  t.same(changesOf(user, form), { name: 'Ada', max_concurrent_bots: 0 })
  t.same(changesOf({ ...user, name: 'Ada' }, toForm(user)), { name: null })
})

t.test('versions: a comparison has each member with two texts', async (t) => {
  const base = { email: 'a', name: 'b', bots: 'c' }
  t.same(compareVersions(base, { ...base, name: 'mine' }, { ...base, name: 'theirs', bots: '7' }), [
    { member: 'name', yours: 'mine', theirs: 'theirs', isYours: true },
    { member: 'bots', yours: 'c', theirs: '7', isYours: false }
  ])
  t.same(compareVersions(base, { ...base, name: 'same' }, { ...base, name: 'same' }), [])
})

t.test('versions: the revision is the first part of the tag', async (t) => {
  t.equal(revisionOf('"7-VBaYuW"'), '7')
  t.equal(revisionOf('"12"'), '12')
  t.equal(revisionOf(null), '')
})
