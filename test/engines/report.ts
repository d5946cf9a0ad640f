// Prints the results of the newest run of `npm run test:engines`, and the engines that the run skipped.
// With --write, keeps these results in results.json, and writes the table of examples/README.md.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { resultsFolder, type Result, type Skipped } from './results.js'
import { keptResults, page, readKeptResults, tableOf, withTable } from './table.js'

const files = existsSync(resultsFolder) ? readdirSync(resultsFolder) : []
const entries: Array<Result | Skipped> = files.map((name) => JSON.parse(readFileSync(resultsFolder + name, 'utf8')))
const results = entries.filter((entry) => 'passed' in entry)
for (const { engine, version, passed, total } of results) {
  console.log(`${engine} (${version}): ${passed} of ${total} cases of the conformance suite`)
}
for (const { engine, skipped } of entries.filter((entry) => 'skipped' in entry)) {
  console.log(`NOT TESTED: ${engine}: ${skipped}`)
}

if (process.argv.includes('--write')) {
  // An engine that was skipped keeps its older result, with its date.
  const older = readKeptResults().filter(({ engine }) => !results.some((result) => result.engine === engine))
  const kept = [...older, ...results].sort((a, b) => a.engine < b.engine ? -1 : 1)
  writeFileSync(keptResults, JSON.stringify(kept, null, 2) + '\n')
  writeFileSync(page, withTable(readFileSync(page, 'utf8'), tableOf(kept)))
}
