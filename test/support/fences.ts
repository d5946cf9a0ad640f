import { readFileSync } from 'node:fs'
import { root } from './child.js'

/** A code block of a Markdown page. */
export interface Fence {
  /** The first word of its info string, such as `ts`. */
  language: string
  text: string
}

/**
 * Returns the named code blocks of a Markdown page, in their order. The info string of each gives its name after
 * the language: ` ```ts name=mount `. Blocks without a name are left out.
 *
 * @param path from the root of the repository
 * @throws if two blocks have one name
 */
export function fencesOf (path: string): Map<string, Fence> {
  const fences = new Map<string, Fence>()
  const page = readFileSync(root + path, 'utf8')
  for (const [, language = '', name = '', text = ''] of page.matchAll(/^```(\w+) name=(\S+)\n(.*?)^```$/gms)) {
    if (fences.has(name)) throw new Error(`${path} has two code blocks with the name ${name}`)
    fences.set(name, { language, text })
  }
  return fences
}

/**
 * Returns the text of a code block.
 *
 * @param path from the root of the repository
 * @throws if the page has no block with this name
 */
export function fence (path: string, name: string): string {
  const found = fencesOf(path).get(name)
  if (found === undefined) throw new Error(`${path} has no code block with the name ${name}`)
  return found.text
}
