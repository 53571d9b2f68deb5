/** Names of JSON fields as identifiers of expressions. Mirrors `k8s.io/apiserver/pkg/cel/escaping.go`. */

/** Words that the language keeps for itself. */
const reservedWords: ReadonlySet<string> = new Set(['true', 'false', 'null', 'in', 'as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import', 'let', 'loop', 'package', 'namespace', 'return', 'var', 'void', 'while'])
const escapes: Readonly<Record<string, string>> = { '__': '__underscores__', '.': '__dot__', '-': '__dash__', '/': '__slash__' }
const usable = /^[A-Za-z_.\-/][A-Za-z0-9_.\-/]*$/

/** Undefined for names that no expression can say. */
export const escapeFieldName = (name: string): string | undefined => {
  if (reservedWords.has(name)) return `__${name}__`
  return usable.test(name) ? name.replaceAll(/__|[.\-/]/g, (part) => escapes[part] ?? part) : undefined
}
