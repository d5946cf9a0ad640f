import { TypeCompiler, ValueErrorType, type TypeCheck, type ValueError } from '@sinclair/typebox/compiler'
import type { TSchema } from '@sinclair/typebox'
import { InvalidInputError } from '../errors.js'
import { Expected } from './annotations.js'

interface Failure { instancePath: string, message: string }

interface Explained { [Expected]?: string | ((value: unknown, path: string) => string | undefined) }

/**
 * Compiles a TypeBox schema into a function that checks a value. The function returns the first failure, or `undefined`
 * if the value is valid. The function never changes the value.
 */
export function compile (schema: TSchema): (value: unknown) => Failure | undefined {
  const check: TypeCheck<TSchema> = TypeCompiler.Compile(schema)
  return (value) => {
    if (check.Check(value)) return undefined
    const { path, type, schema: failed, message, value: wrong } = check.Errors(value).First() as ValueError
    if (type === ValueErrorType.ObjectRequiredProperty) return { instancePath: path, message }
    // The message never shows a long name of an unknown member, because this name may be a misplaced key or token. Keys
    // and tokens have 16 characters or more.
    const instancePath = type === ValueErrorType.ObjectAdditionalProperties && !/\/\w{1,15}$/.test(path) ? '' : path
    const expected = (failed as Explained)[Expected]
    return { instancePath, message: (typeof expected === 'function' ? expected(wrong, path) : expected) ?? message }
  }
}

/**
 * Creates a function that checks an argument of a service. The function returns nothing.
 *
 * @throws {InvalidInputError} 400, from the returned function, if the value does not match the schema. The message
 * names the member
 */
export function validator<T extends TSchema> (schema: T): (value: unknown) => void {
  const failureOf = compile(schema)
  return (value) => {
    const failure = failureOf(value)
    if (failure) throw new InvalidInputError(`${failure.instancePath} ${failure.message}`.trim())
  }
}
