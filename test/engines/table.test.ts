import { readFileSync } from 'node:fs'
import t from 'tap'
import { page, readKeptResults, tableOf, withTable } from './table.js'

t.test('databases: the table of the page has the kept results', async (t) => {
  const text = readFileSync(page, 'utf8')
  const table = tableOf(readKeptResults())
  t.ok(text.includes(`<!-- databases -->\n${table}\n<!-- end of databases -->`), 'run npm run engines:table')
  t.equal(withTable(text, table), text)
})

t.test('databases: the table says which databases no run has tested', async (t) => {
  const result = { engine: 'MySQL', version: '9.7.4', passed: 152, total: 153, date: '2026-11-28' }
  const lines = tableOf([result]).split('\n')
  t.match(lines.find((line) => line.startsWith('| MySQL |')), '| MySQL | 9.7.4 | 152/153 | 2026-11-28 | ')
  t.match(lines.find((line) => line.startsWith('| TiDB |')), '| TiDB |  | not tested |  | ')
  t.throws(() => tableOf([{ ...result, engine: 'Oracle' }]), { message: 'The table has no database Oracle' })
})
