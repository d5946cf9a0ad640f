import { NotDoneError } from '../cli-errors.js'
import { defineCommand } from '../command.js'
import { escapeControls } from '../escape.js'
import { createNewFile } from '../new-file.js'
import { databaseOptions } from '../options.js'
import { openServices } from '../services.js'
import { stopSignal } from '../signals.js'

// In characters. Lines are written in pieces of this length, because one write per line would take most of the time of
// the export.
const pieceLength = 64 * 1024

export const exportCommand = defineCommand({
  summary: 'Write all users and tokens to a file or to stdout, as lines that import can read',
  details: 'Each line is JSON: a user, and then each of its tokens. A line has the SHA-256 of a token, and no line has ' +
    'a value. Keep the file as safe as the database. The command does not replace an existing file. The new file can ' +
    'be read only by its owner, and its name ends in .partial until it is complete. The audit trail is not exported.',
  arguments: ['[FILE]'],
  options: databaseOptions,
  examples: [
    ['Write all users and tokens to a file', 'npx fastify-vexa-admin export users.ndjson'],
    ['Keep a compressed copy', 'npx fastify-vexa-admin export | gzip > users.ndjson.gz']
  ],
  async run (cli, { args: [name], values }) {
    const { output } = cli
    const services = await openServices(cli, values)
    const file = name === undefined ? undefined : createNewFile(cli, name)
    const signal = stopSignal(cli)
    const counts = { users: 0, tokens: 0 }
    let text = ''
    const write = async () => {
      if (file === undefined) await output.text(text)
      else {
        file.write(text)
        await output.progress(`Exporting: ${toSentence(counts)}`)
      }
      text = ''
    }
    for await (const line of services.export()) {
      if (signal.aborted) throw new NotDoneError('Stopped. The export is not complete')
      counts[line.user === undefined ? 'tokens' : 'users']++
      text += `${escapeControls(JSON.stringify(line))}\n`
      if (text.length >= pieceLength) await write()
    }
    await write()
    const sentence = `Exported ${toSentence(counts)}`
    if (file === undefined) return output.note(sentence)
    file.complete()
    await output.progress('')
    await output.done({ file: file.path, ...counts }, `${sentence} to ${file.path}`)
  }
})

function toSentence ({ users, tokens }: { users: number, tokens: number }): string {
  return `${count(users, 'user')} and ${count(tokens, 'token')}`
}

function count (number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
