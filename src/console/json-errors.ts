/** A fault in a JSON text. */
export interface JsonFault {
  message: string
  /** Position in the text, from 0. Negative if it is not known. */
  position: number
}

// This error never leaves the module.
class SyntaxFault extends Error {}

const literal = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])/y
const escape = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y
const space = /[ \t\n\r]*/y

/**
 * Returns the first fault of a text that should be a JSON object, or `undefined` if it has none. Browsers describe such
 * faults in different words, and some of them without a position.
 */
export function findJsonFault (text: string): JsonFault | undefined {
  let position = 0

  const expect = (isRight: boolean, message: string) => { if (!isRight) throw new SyntaxFault(message) }
  const skip = (pattern: RegExp): boolean => {
    pattern.lastIndex = position
    const isFound = pattern.test(text)
    if (isFound) position = pattern.lastIndex
    return isFound
  }
  const next = (): string | undefined => {
    skip(space)
    return text[position]
  }
  const take = (character: string): boolean => {
    const isNext = next() === character
    if (isNext) position++
    return isNext
  }

  function readString (message: string): void {
    expect(take('"'), message)
    while (text[position] !== '"') {
      const character = text[position]
      expect(character !== undefined, 'The text in quotes has no end')
      expect(character as string >= ' ', 'A line break or tab in quotes must be written as \\n or \\t')
      if (character !== '\\') position++
      else expect(skip(escape), 'A backslash must be written as \\\\')
    }
    position++
  }

  function readMembers (end: string, readMember: () => void): void {
    position++
    if (take(end)) return
    do readMember(); while (take(','))
    expect(take(end), `Expected a comma or ${end}`)
  }

  function readMember (): void {
    readString('Expected a name in double quotes')
    expect(take(':'), 'Expected a colon')
    readValue()
  }

  function readValue (): void {
    const first = next()
    if (first === '{') readMembers('}', readMember)
    else if (first === '[') readMembers(']', readValue)
    else if (first === '"') readString('')
    else expect(skip(literal), 'Expected a value: text in double quotes, a number, true, false, null, [ or {')
  }

  try {
    expect(next() === '{', 'Expected an object, which begins with {')
    readValue()
    expect(next() === undefined, 'Expected nothing after the last }')
    return undefined
  } catch (error) {
    // A text with very many levels overflows the stack.
    return { message: error instanceof SyntaxFault ? error.message : 'The object has too many levels', position }
  }
}

/** Reads the position in a message of the API, such as "body has a duplicate member, at position 9: send it once". */
export function readFault (message: string): JsonFault {
  const [, before = message, position = -1, after = ''] = /^(.*), at position (\d+)(.*)$/s.exec(message) ?? []
  return { message: (before + after).replace(/^body /, 'The data '), position: Number(position) }
}

/** Returns the words for a fault, with its line and column if they are known. */
export function describeFault (text: string, fault: JsonFault | undefined): string | undefined {
  if (fault === undefined || fault.position < 0) return fault?.message
  const lines = text.slice(0, fault.position).split('\n')
  return `Line ${lines.length}, column ${(lines.at(-1) as string).length + 1}: ${fault.message}`
}
