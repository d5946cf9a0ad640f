import neostandard from 'neostandard'

export default [
  ...neostandard({ ts: true, ignores: ['examples/openapi-types.ts', '**/dist/**', '.tap/**'] }),
  // A TypeBox schema and the type made from it share a name.
  { files: ['**/*.ts'], rules: { '@typescript-eslint/no-redeclare': 'off' } },
  {
    rules: {
      // A line that begins with a text, or with a key and a text, may be longer: no text is broken.
      '@stylistic/max-len': ['error', {
        code: 120, ignoreUrls: true, ignoreRegExpLiterals: true, ignorePattern: '^ *(?:[\\w$]+: )?[\'"`]'
      }]
    }
  }
]
