import { Kind, Type, TypeRegistry, type SchemaOptions, type TUnsafe } from '@sinclair/typebox'
import { Expected } from './annotations.js'

const TextKind = 'VexaAdmin:Text'

// JSON Schema counts Unicode characters, but TypeBox counts UTF-16 code units, so this package has its own kind. The
// databases differ in how they store NUL and lone surrogates, so both are rejected. A character has at most two code
// units, so a text of megabytes is rejected without counting its characters.
TypeRegistry.Set<{ maxLength: number }>(TextKind, ({ maxLength }, value) =>
  typeof value === 'string' && value.length <= 2 * maxLength && isText(value) && lengthOf(value) <= maxLength)

/** Returns the schema of a well-formed string of at most `maxLength` Unicode characters, without NUL. */
export function Text (maxLength: number, options: SchemaOptions = {}): TUnsafe<string> {
  return Type.Unsafe<string>({
    ...options,
    [Kind]: TextKind,
    [Expected]: `Expected well-formed text of at most ${maxLength} characters`,
    type: 'string',
    maxLength
  })
}

/**
 * Returns whether a text is well-formed, without NUL, and short enough to normalise. The time of normalisation grows
 * with the square of the number of combining marks.
 */
export function canNormalize (value: string): boolean {
  return value.length <= 2048 && isText(value)
}

/** Returns whether a string is well-formed Unicode without NUL. */
export function isText (value: string): boolean {
  return value.isWellFormed() && !value.includes('\0')
}

/** Returns the length of a text in Unicode characters. */
export function lengthOf (value: string): number {
  return [...value].length
}
