// The framework's build looks for one.
import parser from '@typescript-eslint/parser'

export default [{ files: ['**/*.ts'], languageOptions: { parser } }]
