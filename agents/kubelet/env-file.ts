/**
 * A file of environment variables, in a subset of the shell's own syntax. Mirrors pkg/kubelet/util/env. Pure.
 * Every value stands in single quotes, within which everything means itself, the ends of lines too; comments and empty lines may stand between.
 */
const invalid = (line: number, why: string): Error => new Error(`invalid environment variable format at line ${line}: ${why}`)
const blanks = /^[ \t]+/

/** The value of `key` where the file first has it, '' if it has none. Throws for a line before it that is not as it must be. */
export const valueInEnvFile = (text: string, key: string): string => {
  const lines = text.split('\n').map((line) => line.replace(/\r$/, ''))
  if (lines.at(-1) === '') lines.pop()
  for (let index = 0; index < lines.length; index++) {
    const line = (lines[index] ?? '').replace(blanks, '')
    if (line === '' || line.startsWith('#')) continue
    const equals = line.indexOf('=')
    if (equals < 0) throw invalid(index + 1, "missing '='")
    const name = line.slice(0, equals)
    if (name.trim() === '') throw invalid(index + 1, 'empty variable name')
    if (/[ \t]/.test(name)) throw invalid(index + 1, 'whitespace in or after the variable name')
    const start = line.slice(equals + 1)
    // As in a shell: what follows a blank is no value any more.
    if (blanks.test(start)) {
      if (name === key) return ''
      continue
    }
    if (!start.startsWith("'")) throw invalid(index + 1, 'value must be enclosed in single quotes')
    const { value, last } = quoted(lines, index, start.slice(1))
    if (name === key) return value
    index = last
  }
  return ''
}

const quoted = (lines: readonly string[], first: number, begin: string): { value: string; last: number } => {
  const parts: string[] = []
  for (let index = first, rest = begin; ; rest = lines[++index] ?? '') {
    if (index >= lines.length) throw new Error(`invalid environment variable format starting at line ${first + 1}: unclosed single quote`)
    const end = rest.indexOf("'")
    parts.push(end < 0 ? rest : rest.slice(0, end))
    if (end < 0) continue
    const after = rest.slice(end + 1).replace(blanks, '')
    if (after !== '' && !after.startsWith('#')) throw invalid(index + 1, 'unexpected content after closing quote')
    return { value: parts.join('\n'), last: index }
  }
}
