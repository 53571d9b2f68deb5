/** What a registry that answers 401 wants: the WWW-Authenticate header, as RFC 9110 writes it. Pure. */
export interface Challenge { scheme: 'bearer' | 'basic'; parameters: Readonly<Record<string, string>> }

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+/
const pair = /^[\s,]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/

/** The challenges that we can meet, in the registry's order. What is no challenge is passed over. */
export const parseChallenges = (header: string): Challenge[] => {
  const found: Challenge[] = []
  let rest = header.trim()
  while (rest !== '') {
    const scheme = token.exec(rest)?.[0]
    if (scheme === undefined) { rest = rest.slice(1); continue }
    rest = rest.slice(scheme.length)
    const parameters = new Map<string, string>()
    for (let next = pair.exec(rest); next; next = pair.exec(rest)) {
      const [all, name = '', quoted, plain = ''] = next
      parameters.set(name.toLowerCase(), quoted === undefined ? plain : quoted.replaceAll(/\\(.)/g, '$1'))
      rest = rest.slice(all.length)
    }
    const name = scheme.toLowerCase()
    if (name === 'bearer' || name === 'basic') found.push({ scheme: name, parameters: Object.fromEntries(parameters) })
    rest = rest.replace(/^[\s,]+/, '')
  }
  return found
}
