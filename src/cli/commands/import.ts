import { ImportConflictError } from '../../errors.js'
import type { ImportResult } from '../../index.js'
import { NotDoneError, ReaderGoneError, UsageError } from '../cli-errors.js'
import { defineCommand } from '../command.js'
import { openLines, openSource, type SourceName } from '../import-input.js'
import { createImportReport } from '../import-report.js'
import { createNewFile } from '../new-file.js'
import { changeOptions, choice, databaseOptions, flag, list, text } from '../options.js'
import { changeBy, openServices } from '../services.js'
import { stopSignal } from '../signals.js'
import { isScope } from '../sources/permissions.js'

const sourceNames: readonly SourceName[] = ['vexa', 'better-auth', 'unkey']

const stopped = 'Stopped. Repeat the command to go on: it creates only the users and tokens that are missing'

export const importCommand = defineCommand({
  summary: 'Create users and tokens from a file, from stdin, or from another system',
  details: 'FILE has the lines of export: { "user": { "ref", "email", … } }, and then { "token": { "user", "sha256" or ' +
    '"value", … } } for each of its tokens. Without FILE, the lines are on stdin. With --from, SOURCE is the database ' +
    'of the other system, or the file of Unkey. The import does not change SOURCE. Put a URL with a password into the ' +
    'variable SOURCE_URL, because other users of the machine can see arguments. You can repeat an import: it creates ' +
    'only what is missing. A token that was revoked or rotated since the first import is created again. stderr names ' +
    'each record that is left out, changed or in conflict. At the end, stdout has the numbers of records, and the ' +
    'options that the app needs for the tokens. With --json, stdout has objects with a note or an issue about a ' +
    'record, and at the end one object with summary. The exit code is 1 if a record was rejected, or if a conflict or ' +
    'a signal stopped the import.',
  arguments: ['[FILE|SOURCE]'],
  options: {
    from: choice(sourceNames, 'Import from another system: the argument is SOURCE'),
    'dry-run': flag('Change nothing, and report what an import would do. The tables must exist'),
    'on-conflict': choice(['skip', 'merge', 'fail'], 'A stored user who differs stays as it is (skip, the default), ' +
      'gets the imported members (merge), or stops the import (fail)'),
    'keep-ids': flag('Keep the ids of users and tokens. Use it with an empty database'),
    map: text('FILE', 'Write the ref and the new id of each user to a new file, as a line of JSON'),
    scope: list('SCOPE', 'A scope that tokens may have. Default: all scopes of FILE or SOURCE. On stdin: none'),
    ...databaseOptions,
    ...changeOptions
  },
  examples: [
    ['Import the users and tokens that export has written', 'npx fastify-vexa-admin import users.ndjson --keep-ids'],
    [
      'Show what an import from Vexa would do',
      'SOURCE_URL=postgres://vexa:secret@db/vexa npx fastify-vexa-admin import --from vexa --keep-ids --dry-run'
    ],
    ['Import from a file of Unkey', 'npx fastify-vexa-admin import --from unkey keys.ndjson --map ids.ndjson']
  ],
  async run (cli, { args: [name], values }) {
    const { from, scope, map: mapName, 'on-conflict': onConflict, 'keep-ids': keepIds } = values
    const { 'dry-run': dryRun = false } = values
    if (from === 'unkey' && keepIds) throw new UsageError('--keep-ids: the ids of Unkey cannot be kept')
    const input = from === undefined ? openLines(cli, name) : openSource(cli, from, name)
    const { scopes: found, legacyTokens } = await input.findOptions()
    const options = { scopes: scope ?? found.filter(isScope), legacyTokens }
    const services = await openServices(cli, values, { migrate: !dryRun, scopes: options.scopes })
    const map = mapName === undefined ? undefined : createNewFile(cli, mapName)
    const signal = stopSignal(cli)
    const report = createImportReport(cli.output)
    const { lines, recordOf } = input.read(report.note, signal)
    // A person who imports from another system knows the names of its records, and not the numbers of lines.
    const nameRecords = (message: string) =>
      message.replace(/\bLine (\d+)( of the import)?/g, (line, number) => recordOf(Number(number)) ?? line)

    let result: ImportResult | undefined
    const finish = async (complete: boolean) => {
      if (result !== undefined) await report.end({ complete, dry_run: dryRun, ...result, options })
    }
    try {
      result = await services.import(lines, {
        ...changeBy(values),
        dryRun,
        keepIds,
        onConflict,
        signal,
        onIssue: (issue) => report.issue({ ...issue, message: nameRecords(issue.message) }, recordOf(issue.line)),
        onUser: (user) => map?.write(`${JSON.stringify(user)}\n`),
        onProgress: (current) => {
          result = current
          return report.progress(current)
        }
      })
    } catch (error) {
      // The reader of stdout has ended, but unlike elsewhere this is an error, because the import is not complete.
      if (error instanceof ReaderGoneError) throw new NotDoneError(stopped)
      await finish(false)
      if (signal.aborted) throw new NotDoneError(dryRun ? 'Stopped' : stopped)
      if (!(error instanceof ImportConflictError)) throw error
      throw new NotDoneError(nameRecords(error.message), { cause: error })
    }
    map?.complete()
    await finish(true)
    const { users, tokens, invalid } = result
    return users.rejected + tokens.rejected + invalid > 0 ? 'not done' : undefined
  }
})
