import t from 'tap'
import { toImportLines } from '../../../src/cli/sources/import-lines.js'
import type { SourceLine } from '../../../src/cli/sources/source-line.js'

async function * source (users: number): AsyncGenerator<SourceLine> {
  for (let i = 1; i <= users; i++) {
    yield { user: { ref: String(i), email: `${i}@example.com` }, record: `users row ${i}` }
  }
  yield { note: { record: 'tokens row 1', text: 'A note.' } }
  yield { token: { user: '1', value: 'value' }, record: 'tokens row 1' }
  yield { options: { scopes: [], legacyTokens: ['value'] } }
}

t.test('toImportLines: only users and tokens are lines, and the rest is heard', async (t) => {
  const heard: unknown[] = []
  const hear = (value: object) => { heard.push(value) }
  const { lines, recordOf } = toImportLines(source(1), { note: hear, options: hear })
  const found = []
  for await (const line of lines) found.push(line)
  t.same(found, [{ user: { ref: '1', email: '1@example.com' } }, { token: { user: '1', value: 'value' } }])
  t.same(heard, [{ record: 'tokens row 1', text: 'A note.' }, { scopes: [], legacyTokens: ['value'] }])
  t.same([1, 2, 3].map(recordOf), ['users row 1', 'tokens row 1', undefined])
})

t.test('toImportLines: the records of the last lines are known when there are many', async (t) => {
  const { lines, recordOf } = toImportLines(source(9000), { note: () => {}, options: () => {} })
  let count = 0
  for await (const line of lines) count += Object.keys(line).length
  t.equal(count, 9001)
  t.same([1, 9000, 9001].map(recordOf), [undefined, 'users row 9000', 'tokens row 1'])
})
