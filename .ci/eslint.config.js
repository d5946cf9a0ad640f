import neostandard from 'neostandard'

export default [
  ...neostandard({ ts: true, ignores: ['examples/openapi-types.ts', '**/dist/**', '.tap/**'] }),
  // A TypeBox schema and the type made from it share a name.
  { files: ['**/*.ts'], rules: { '@typescript-eslint/no-redeclare': 'off' } }
]
