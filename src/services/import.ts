import { setImmediate } from 'node:timers/promises'
import { InvalidInputError } from '../errors.js'
import type { ChangeSource } from '../events.js'
import { createLineReader, type LineReader } from './import-records.js'
import { createRun, type ImportContext, type ImportRun } from './import-run.js'
import { importTokens, rejectOrphan, type BatchedToken } from './import-tokens.js'
import { findConflict, importUsers, type BatchedUser } from './import-users.js'
import { readLines, type ImportInput, type InputLine } from './input-lines.js'
import type { ImportOptions, ImportResult } from './transfer-service.js'

/** Lines that are written together. */
interface Batch {
  users: BatchedUser[]
  tokens: BatchedToken[]
  /** Number of characters of all `data` as JSON. */
  length: number
  /** The refs, addresses, hashes and ids of the lines. Each is unique within the batch. */
  texts: Set<string>
}

// The storage may delay other calls during a batch, so a batch is small. On SQLite, a batch takes a few milliseconds.
const maxLines = 512
const maxDataLength = 1024 * 1024

/** Imports lines, as TransferService describes. The caller has checked the options. */
export async function importLines (
  context: ImportContext, input: ImportInput, options: ImportOptions, source: ChangeSource
): Promise<ImportResult> {
  const run = createRun(context, options, source)
  const readLine = createLineReader(context.options)
  let batch = emptyBatch()

  async function write (): Promise<void> {
    options.signal?.throwIfAborted()
    const full = batch
    batch = emptyBatch()
    const conflict = await writeBatch(run, full)
    await options.onProgress?.(structuredClone(run.result))
    if (conflict !== undefined) throw conflict
    // This lets other requests run between two batches, even if the storage answers at once.
    await setImmediate()
  }

  /** Adds the texts of a line to the batch. If the batch already has one of these texts, first writes the batch. */
  async function reserve (texts: string[]): Promise<void> {
    if (texts.some((text) => batch.texts.has(text))) await write()
    for (const text of texts) batch.texts.add(text)
  }

  async function takeUser (user: BatchedUser): Promise<void> {
    const { line, ref, record: { id, email } } = user
    await reserve([`ref ${ref}`, `email ${email}`, ...id === undefined ? [] : [`user ${id}`]])
    if (run.refs.has(ref)) {
      run.result.users.rejected++
      await run.report(line, 'rejected', '/user/ref An earlier line has this ref')
    } else batch.users.push(user)
  }

  async function takeToken (token: BatchedToken): Promise<void> {
    const { ref, record: { id, hash } } = token
    if (!run.refs.has(ref) && !batch.texts.has(`ref ${ref}`)) return rejectOrphan(run, token)
    await reserve([`hash ${hash.toString('latin1')}`, ...id === undefined ? [] : [`token ${id}`]])
    batch.tokens.push(token)
  }

  // A valid line fits, even if each character of its `data` is an escape of six characters.
  const maxLength = 6 * context.options.maxDataSize + 32 * 1024
  for await (const line of readLines(input, maxLength)) {
    options.signal?.throwIfAborted()
    run.result.lines++
    const taken = await read(run, readLine, line)
    if (taken === undefined) continue
    if ('user' in taken) await takeUser({ ...taken.user, line: line.number })
    else await takeToken({ ...taken.token, line: line.number })
    const { data } = ('user' in taken ? taken.user : taken.token).record
    if (data !== null) batch.length += JSON.stringify(data).length
    if (batch.users.length + batch.tokens.length >= maxLines || batch.length >= maxDataLength) await write()
  }
  await write()
  return run.result
}

function emptyBatch (): Batch {
  return { users: [], tokens: [], length: 0, texts: new Set() }
}

/** Returns the user or token of a line. If the line is not valid, counts and reports it, and returns `undefined`. */
async function read (
  { result, report, keepIds }: ImportRun, readLine: LineReader, { number, value, fault }: InputLine
) {
  try {
    if (fault !== undefined) throw new InvalidInputError(`The line ${fault}`)
    return readLine(value, keepIds)
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error
    const kind = (['user', 'token'] as const).find((kind) => Object.hasOwn(Object(value), kind))
    if (kind === undefined) result.invalid++
    else result[`${kind}s`].rejected++
    await report(number, 'rejected', error.message)
    return undefined
  }
}

/**
 * Writes the lines of a batch. With `onConflict: 'fail'`, writes only the lines before the first conflict, and returns
 * the error of this conflict.
 */
async function writeBatch (run: ImportRun, { users, tokens }: Batch): Promise<Error | undefined> {
  const conflict = run.onConflict === 'fail' ? await findConflict(run, users) : undefined
  const isBefore = ({ line }: { line: number }) => line < (conflict?.line ?? Infinity)
  await importUsers(run, users.filter(isBefore))
  await importTokens(run, tokens.filter(isBefore))
  return conflict?.error
}
