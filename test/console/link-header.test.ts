import t from 'tap'
import { nextQuery } from '../../src/console/link-header.js'

t.test('link header: gives the query of the next page', async (t) => {
  t.equal(nextQuery('<?after=user-100&limit=50>; rel="next"'), '?after=user-100&limit=50')
  t.equal(nextQuery('<user-1/tokens>; rel="tokens", <?after=user-2>; rel=next'), '?after=user-2')
  t.equal(nextQuery('<?after=user-3>; title="a"; rel="last NEXT"'), '?after=user-3')
  t.equal(nextQuery('<https://elsewhere.example/users?after=user-4>; rel="next"'), '?after=user-4', 'only the query')
})

t.test('link header: gives nothing without a next page', async (t) => {
  t.equal(nextQuery(null), undefined)
  t.equal(nextQuery('<user-1/tokens>; rel="tokens"'), undefined)
  t.equal(nextQuery('<?after=user-1>; rel="nextish"'), undefined)
  t.equal(nextQuery('<?after=user-1>'), undefined)
})
