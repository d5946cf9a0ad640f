import { isUtf8 } from 'node:buffer'
import { findJsonLoss } from '../schemas/lossless-json.js'

/** The input of an import: text or bytes that are cut anywhere, or the objects of the lines. */
export type ImportInput = string | Uint8Array | Iterable<string | Uint8Array | object> |
  AsyncIterable<string | Uint8Array | object>

/** A line of an input, with its number from 1. */
export interface InputLine {
  number: number
  /** The value of the line, unless it has a fault. */
  value?: unknown
  /** Why the line cannot be read, as the end of a sentence that begins with "The line". */
  fault?: string
}

/**
 * Reads the lines of an input. An object is a line. Text is cut at newlines, and may be in pieces of any size. Blank
 * lines are left out. Reads a piece only after the lines of the piece before it.
 *
 * A line of more than `maxLength` characters is never held in memory.
 */
export async function * readLines (input: ImportInput, maxLength: number): AsyncGenerator<InputLine> {
  const pieces = typeof input === 'string' || input instanceof Uint8Array ? [input] : input
  let number = 0
  let text = ''
  let isTooLong = false
  let isBytes = false

  const add = (piece: string) => {
    isTooLong ||= text.length + piece.length > maxLength
    text = isTooLong ? '' : text + piece
  }
  /** Returns the line that ends here, or `undefined` if the line is blank. */
  const end = (): InputLine | undefined => {
    number++
    const line = isTooLong ? { fault: `has more than ${maxLength} characters` } : parse(text, isBytes, number)
    text = ''
    isTooLong = false
    return line && { number, ...line }
  }

  for await (const piece of pieces as AsyncIterable<string | Uint8Array | object>) {
    const isText = typeof piece === 'string' || piece instanceof Uint8Array
    if (!isText) {
      const line = text === '' && !isTooLong ? undefined : end()
      if (line !== undefined) yield line
      yield { number: ++number, value: piece }
      continue
    }
    isBytes = typeof piece !== 'string'
    // Bytes are cut as Latin-1, because each character of UTF-8 may be cut into two pieces.
    const characters = typeof piece === 'string'
      ? piece
      : Buffer.from(piece.buffer, piece.byteOffset, piece.length).toString('latin1')
    let start = 0
    for (let newline; (newline = characters.indexOf('\n', start)) !== -1; start = newline + 1) {
      add(characters.slice(start, newline))
      const line = end()
      if (line !== undefined) yield line
    }
    add(characters.slice(start))
  }
  const line = end()
  if (line !== undefined) yield line
}

function parse (
  characters: string, isBytes: boolean, number: number
): { value: unknown } | { fault: string } | undefined {
  const bytes = isBytes ? Buffer.from(characters, 'latin1') : undefined
  if (bytes !== undefined && !isUtf8(bytes)) return { fault: 'is not UTF-8' }
  const decoded = bytes?.toString() ?? characters
  // Some editors write a byte order mark at the start of a file.
  const text = number === 1 && decoded.startsWith('\uFEFF') ? decoded.slice(1) : decoded
  if (text.trim() === '') return undefined
  try {
    const value: unknown = JSON.parse(text)
    const loss = findJsonLoss(text)
    return loss === undefined ? { value } : { fault: loss }
  } catch {
    // The message of the error would repeat a part of the line, which may be the value of a token.
    return { fault: 'is not JSON' }
  }
}

/** Returns whether a value can be the input of an import. */
export function isImportInput (value: unknown): value is ImportInput {
  const iterable = value as Partial<Iterable<unknown> & AsyncIterable<unknown>> | null | undefined
  return typeof (iterable?.[Symbol.asyncIterator] ?? iterable?.[Symbol.iterator]) === 'function'
}
