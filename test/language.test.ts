import { existsSync, readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import ts from 'typescript'
import { root } from './support/child.js'

/** Turns of phrase that make a reader stop, each with what to write instead. */
const banned: Array<readonly [pattern: RegExp, advice: string]> = [
  [/(?:^|[.:;!?] )(?:What|Who|Whoever|Whose|Whom|Whatever|That which|Which)\b(?![^.]*\?)/, 'begin with a named thing'],
  [
    /, for (?:it|they|that|this|there|we|you|those|these|such|some|many|most|nobody|only|otherwise|then|(?:an?|the) [\w-]+ (?:is|are|has|have|can|may|would))\b/,
    'write: because'
  ],
  [/\bat the (?:most|least)\b/i, 'write: at most, at least'],
  [/\bbehind (?!an? |proxies\b)/i, 'write: after, or guarded by'],
  [/(?:^|[.:;] )Of (?:an?|the|two|several|what|each|all|one|those) [^.]*,/, 'put the subject first'],
  [/(?:^|[.;] )(?:Nor|Neither) (?:is|does|do|can|may|has|have|are|must)\b/, 'put the subject first'],
  [/\b(?:is|are|was|be) told\b|\bcomes? of it\b|\blets? (?:\w+ )?in\b/i, 'say what the program returns'],
  [/\b(?:mints?|minted|minting)\b/i, 'write: create']
]

/** The comments of a program, each on one line, with the number of the line that it begins on. */
function commentsOf (source: string): Array<[line: number, text: string]> {
  const scanner = ts.createScanner(ts.ScriptTarget.Latest, false, ts.LanguageVariant.Standard, source)
  const comments: Array<[number, string]> = []
  const file = ts.createSourceFile('file.ts', source, ts.ScriptTarget.Latest)
  for (let kind = scanner.scan(); kind !== ts.SyntaxKind.EndOfFileToken; kind = scanner.scan()) {
    if (kind !== ts.SyntaxKind.SingleLineCommentTrivia && kind !== ts.SyntaxKind.MultiLineCommentTrivia) continue
    const text = scanner.getTokenText().replace(/^\/\*\*?|^\/\/|\*\/$/g, '').replace(/\n\s*\*(?: - | )?/g, '\n')
    for (const paragraph of text.split(/\n\n|\n(?=@)/)) {
      comments.push([
        file.getLineAndCharacterOfPosition(scanner.getTokenStart()).line + 1,
        paragraph.replace(/\s+/g, ' ').trim()
      ])
    }
  }
  return comments
}

/** The paragraphs of a page, without its programs. */
function paragraphsOf (page: string): Array<[line: number, text: string]> {
  const prose = page.replace(/^```.*?^```$/gms, (program) => program.replace(/[^\n]/g, ''))
  return prose.split('\n')
    .map((text, i): [number, string] => [i + 1, text.replace(/^[\s>|*-]+|\*\*/g, '')])
    .filter(([, text]) => text !== '')
}

function findingsIn (name: string, texts: Array<[line: number, text: string]>): string[] {
  return texts.flatMap(([line, text]) => banned
    .map(([pattern, advice]) => [pattern.exec(text)?.[0], advice])
    .filter(([found]) => found !== undefined)
    .map(([found, advice]) => `${name}:${line} "${found}": ${advice}`))
}

const programs = [
  'src',
  'examples'
].flatMap((folder) => readdirSync(root + folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.tsx?$/.test(name) && name !== 'openapi-types.ts')
  .map((name) => `${folder}/${name}`))
const pages = [
  'README.md', 'examples/README.md', 'src/storage/README.md', 'test/bench/README.md', 'test/security/README.md',
  '.github/CONTRIBUTING.md', '.github/SECURITY.md'
]
  .filter((name) => existsSync(root + name))

t.test('language: README and the guides use none of the banned phrases', async (t) => {
  t.same(pages.flatMap((name) => findingsIn(name, paragraphsOf(readFileSync(root + name, 'utf8')))), [])
})

t.test('language: comments use none of the banned phrases', async (t) => {
  t.same(programs.flatMap((name) => findingsIn(name, commentsOf(readFileSync(root + name, 'utf8')))), [])
})

t.test('language: the doc comment of each function and method starts with a verb', async (t) => {
  const notAVerb = /^(?:This|Its|As|Users|Tokens|Tables|Always|Settings|Values|Keys|Names|Options|Rows)$/
  const findings = programs.flatMap((name) => {
    const file = ts.createSourceFile(name, readFileSync(root + name, 'utf8'), ts.ScriptTarget.Latest, true)
    const found: string[] = []
    // A component of Preact is a thing on the page, as a class is. Its comment names that thing.
    const isComponent = (node: ts.FunctionDeclaration | ts.MethodDeclaration | ts.MethodSignature) =>
      name.endsWith('.tsx') && /^[A-Z]/.test(node.name?.getText() ?? '')
    const visit = (node: ts.Node): void => {
      if (ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node) || ts.isMethodSignature(node)) {
        for (const comment of isComponent(node) ? [] : ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc)) {
          const text = ts.getTextOfJSDocComment(comment.comment) ?? ''
          const [verb = ''] = /^\S+/.exec(text) ?? []
          const { line } = file.getLineAndCharacterOfPosition(comment.getStart())
          if (text !== '' && (!/^[A-Z][a-z]+s$/.test(verb) || notAVerb.test(verb))) {
            found.push(`${name}:${line + 1} "${text.slice(0, 40)}"`)
          }
        }
      }
      ts.forEachChild(node, visit)
    }
    visit(file)
    return found
  })
  t.same(findings, [])
})

t.test('language: the patterns find a banned phrase of each kind', async (t) => {
  const samples = [
    'What ends, ends at once', 'It waits, for it has no lock', 'Ten at the most', 'Behind the guard',
    'Of a token, only its hash is kept', 'Nor may it answer', 'The caller is told 503', 'Mints a token'
  ]
  for (const [i, [pattern]] of banned.entries()) t.match(samples[i], pattern)
})
