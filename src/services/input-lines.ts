import { isUtf8 } from 'node:buffer'
import { findJsonLoss } from '../schemas/lossless-json.js'

/** The input of an import: text, bytes, or pieces of text or bytes of any length, or one object for each line. */
export type ImportInput = string | Uint8Array | Iterable<string | Uint8Array | object> |
  AsyncIterable<string | Uint8Array | object>

/** A line of an input, with its number from 1. */
export interface InputLine {
  number: number
  /** The value of the line, unless it has a fault. */
  value?: unknown
  /** The reason why the line cannot be read. This text continues a sentence that begins with "The line". */
  fault?: string
}

/**
 * Reads the lines of an input. An object is one line. Text is split at newlines, and may come in pieces of any size.
 * Leaves out blank lines. Reads a piece of the input only after the caller has taken the lines of the piece before.
 *
 * The function does not collect a line of more than `maxLength` characters in memory. Only a piece that contains the
 * whole line holds it.
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
    // Bytes are split as Latin-1, because two pieces may divide the bytes of one UTF-8 character.
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
  // Some editors write a byte order mark at the start of a file, and JSON.parse would reject the mark.
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
