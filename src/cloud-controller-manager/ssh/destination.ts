/** Where SSH reaches a machine, `[user@]host[:port]`, taken apart; whatever ssh(1) or a shell could take for something else is refused. Pure. */
export interface Destination {
  user?: string
  /** A name, an alias of the user's ssh_config, or an address (IPv6 without brackets). */
  host: string
  port?: number
}

const userPattern = /^[A-Za-z_][A-Za-z0-9._-]{0,63}$/
const hostPattern = /^[A-Za-z0-9_]([A-Za-z0-9._-]{0,252})$/
const ipv6Pattern = /^[0-9A-Fa-f:]{2,39}(%[A-Za-z0-9]{1,15})?$/

const parts = (text: string): { user: string | undefined; host: string; port: string | undefined } => {
  const at = text.lastIndexOf('@')
  const [user, rest] = at < 0 ? [undefined, text] : [text.slice(0, at), text.slice(at + 1)]
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(rest)
  if (bracketed) return { user, host: bracketed[1] ?? '', port: bracketed[2] }
  const colon = rest.indexOf(':')
  if (colon !== rest.lastIndexOf(':')) throw new TypeError(`${JSON.stringify(text)}: an IPv6 address is written in brackets: [2001:db8::7] or [2001:db8::7]:22`)
  return colon < 0 ? { user, host: rest, port: undefined } : { user, host: rest.slice(0, colon), port: rest.slice(colon + 1) }
}

/** Throws a TypeError that names the part that is wrong. */
export const parseDestination = (text: string): Destination => {
  const { user, host, port } = parts(text)
  if (user !== undefined && !userPattern.test(user)) throw new TypeError(`${JSON.stringify(text)}: the user ${JSON.stringify(user)} must begin with a letter or _, and hold letters, digits, . _ and - only`)
  const isAddress = host.includes(':')
  if (!(isAddress ? ipv6Pattern : hostPattern).test(host)) throw new TypeError(`${JSON.stringify(text)}: the host ${JSON.stringify(host)} must begin with a letter or digit, and hold letters, digits, . _ and - only`)
  if (port !== undefined && (!/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65_535)) throw new TypeError(`${JSON.stringify(text)}: the port ${JSON.stringify(port)} must be a number from 1 to 65535`)
  return { ...(user !== undefined && { user }), host, ...(port !== undefined && { port: Number(port) }) }
}

export const formatDestination = ({ user, host, port }: Destination): string =>
  `${user === undefined ? '' : `${user}@`}${host.includes(':') ? `[${host}]` : host}${port === undefined ? '' : `:${port}`}`

/** As a node's spec.providerID. */
export const providerIDOf = (destination: Destination): string => `ssh://${formatDestination(destination)}`
