import { Kind, Type, TypeRegistry, type SchemaOptions, type TUnsafe } from '@sinclair/typebox'
import { Expected } from './annotations.js'

const TextKind = 'VexaAdmin:Text'

// JSON Schema counts characters, JavaScript and TypeBox count UTF-16 code units; and no database here
// keeps NUL and lone surrogates alike. Both need a check of our own.
TypeRegistry.Set<{ maxLength: number }>(TextKind, ({ maxLength }, value) =>
  typeof value === 'string' && isText(value) && lengthOf(value) <= maxLength)

/** A string of at most `maxLength` Unicode characters, well-formed and without NUL. */
export function Text (maxLength: number, options: SchemaOptions = {}): TUnsafe<string> {
  return Type.Unsafe<string>({
    ...options,
    [Kind]: TextKind,
    [Expected]: `Expected well-formed text of at most ${maxLength} characters`,
    type: 'string',
    maxLength
  })
}

/** Whether a text may be normalised: that takes time in the square of the number of combining marks. */
export function canNormalize (value: string): boolean {
  return value.length <= 2048 && isText(value)
}

export function isText (value: string): boolean {
  return value.isWellFormed() && !value.includes('\0')
}

export function lengthOf (value: string): number {
  return [...value].length
}
