import type { SourceLine } from './source-line.js'

/** The forms of the values that a source has seen. It keeps no value. */
export interface TokenForms {
  /**
   * Adds the form of a value. `prefix` may be empty. After it, the value has `length` characters of the class
   * `characters` of a regular expression.
   */
  add (prefix: string, characters: string, length: number, maxLength?: number): void
  /** Adds a value of any other form. */
  addOther (value: string): void
  /** Returns the regular expressions of the option `legacyTokens`. They match all values. */
  toSources (): string[]
}

interface Form { characters: string, min: number, max: number, prefixes: Set<string> }

// A list of more prefixes would be harder to read than the expression that replaces the list.
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

/** Yields the lines of a source, and then the options that the app needs for its tokens. */
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
 * Returns whether a person may have made up the random part of a value: it is short, or repeats eight characters. A
 * thief of the hash of such a value could guess the value.
 */
export function mayBeGuessed (random: string): boolean {
  // Of 64 random hexadecimal digits, eight repeat in one of two million values.
  return random.length < 32 || /(.{8}).*\1/s.test(random)
}
