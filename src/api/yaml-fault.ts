/** Where a text of secrets is no YAML, said without quoting it: the parser's own words show the line, and with it a token or a key (CVE-2020-8564). */
import { YAMLParseError } from 'yaml'

/** `line 3, column 7: BAD_DQ_ESCAPE`, of what the parser has thrown. */
export const yamlFault = (error: unknown): string => {
  if (!(error instanceof YAMLParseError)) return 'it cannot be read'
  const [at] = error.linePos ?? []
  return `${at ? `line ${at.line}, column ${at.col}: ` : ''}${error.code}`
}
