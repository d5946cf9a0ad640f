import { open, readFile } from 'node:fs/promises'
import { isPlainObject } from '../../schemas/json-object.js'
import { SourceError } from './source-line.js'
import { parseJson } from './values.js'

/** A record of a file. The names of its members are converted to camel case. */
export interface FileRecord {
  [member: string]: any
  /** False if the line has a number that JavaScript has rounded. */
  isExact: boolean
}

/**
 * Reads the records of a JSON file. The file is one JSON document, or has one JSON document on each line. A document is
 * a record, an array of records, or a page of an API. A page has its records in the member `data` or `keys`.
 *
 * Only one line is in memory at a time. If the first line is not a JSON document, the whole file is in memory.
 *
 * @throws {SourceError} if the file is not JSON. The message repeats nothing of the file, because the file may hold
 * secrets.
 */
export async function * readRecords (file: string): AsyncGenerator<FileRecord> {
  const handle = await open(file)
  try {
    let number = 0
    let documents = 0
    for await (const line of handle.readLines()) {
      number++
      if (line.trim() === '') continue
      const records = parseRecords(line)
      if (records === undefined && documents === 0) return yield * parseWhole(await readFile(file, 'utf8'))
      if (records === undefined) throw new SourceError(`Line ${number} of the file is no JSON object or array`)
      documents++
      yield * records
    }
  } finally {
    await handle.close()
  }
}

function parseWhole (text: string): FileRecord[] {
  const records = parseRecords(text)
  if (records === undefined) throw new SourceError('The file is no JSON. Several documents must have a line each')
  return records
}

/**
 * Returns the records in a JSON text. Returns `undefined` if the text is not JSON, or if one of its records is not an
 * object.
 */
function parseRecords (text: string): FileRecord[] | undefined {
  try {
    const { value, isExact } = parseJson(text.replace(/^\uFEFF/, ''))
    return recordsIn(value)?.map((record) => ({ ...toCamelCase(record), isExact }))
  } catch {
    return undefined
  }
}

function recordsIn (document: any): object[] | undefined {
  const records = [document, document?.data, document?.keys].find(Array.isArray) ?? [document]
  return records.every(isPlainObject) ? records : undefined
}

function toCamelCase (record: object): object {
  return Object.fromEntries(Object.entries(record).map(([name, value]) =>
    [name.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase()), value]))
}
