import type { SourceLine } from './source-line.js'

/** The forms of the values that a source has read. The object keeps no value. */
export interface TokenForms {
  /**
   * Adds the form of a value: a `prefix`, which may be empty, and `length` characters after the prefix. `characters` is
   * the character class of these characters in a regular expression. With `maxLength`, the value has `length` to
   * `maxLength` characters after the prefix.
   */
  add (prefix: string, characters: string, length: number, maxLength?: number): void
  /** Adds the form of a value that has no known prefix and characters. */
  addOther (value: string): void
  /** Returns the sources of regular expressions for the option `legacyTokens`. Each added value matches one of them. */
  toSources (): string[]
}

interface Form { characters: string, min: number, max: number, prefixes: Set<string> }

// With more prefixes, a general expression replaces the list, because a long list is hard to read.
const maxPrefixes = 20

/** Creates an empty collection of forms. */
export function createTokenForms (): TokenForms {
  const forms = new Map<string, Form>()
  const add: TokenForms['add'] = (prefix, characters, length, maxLength = length) => {
    const key = `${characters} ${prefix === ''}`
    const form = forms.get(key) ?? { characters, min: length, max: maxLength, prefixes: new Set() }
    form.min = Math.min(form.min, length)
    form.max = Math.max(form.max, maxLength)
    if (form.prefixes.size <= maxPrefixes) form.prefixes.add(prefix)
    forms.set(key, form)
  }
  return {
    add,
    addOther: (value) => add('', /^[\w-]+$/.test(value) ? '[\\w-]' : '[!-~]', value.length),
    toSources: () => [...forms.values()].map(({ characters, min, max, prefixes }) =>
      `${toPrefixSource(prefixes)}${characters}{${min === max ? min : `${min},${max}`}}`)
  }
}

/**
 * Yields the lines of a source. At the end, yields the options that the app needs to accept the tokens of the source.
 */
export async function * withOptions (lines: AsyncIterable<SourceLine>, forms: TokenForms): AsyncGenerator<SourceLine> {
  const scopes = new Set<string>()
  for await (const line of lines) {
    if ('token' in line) line.token.scopes?.forEach((scope) => scopes.add(scope))
    yield line
  }
  yield { options: { scopes: [...scopes].sort(), legacyTokens: forms.toSources() } }
}

function toPrefixSource (prefixes: Set<string>): string {
  if (prefixes.size > maxPrefixes) return '[!-~]{1,32}'
  if (prefixes.has('')) return ''
  return `(?:${[...prefixes].sort().map((prefix) => prefix.replace(/[^\w-]/g, '\\$&')).join('|')})`
}

/**
 * Returns whether a person may have made up the random part of a value, because it is short or repeats eight
 * characters. A thief who has the hash of such a value could guess the value.
 */
export function mayBeGuessed (random: string): boolean {
  // A random value rarely repeats eight characters: one of two million values with 64 hexadecimal digits does.
  return random.length < 32 || /(.{8}).*\1/s.test(random)
}
