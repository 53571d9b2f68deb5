/** Through which proxy a registry is reached, as the environment says it: HTTP_PROXY, HTTPS_PROXY and NO_PROXY. Mirrors golang.org/x/net/http/httpproxy, whose reading users of containerd know. Pure. */
import { BlockList, isIP } from 'node:net'

export type ProxyEnvironment = Readonly<Record<string, string | undefined>>

/** Proxies that Node's client speaks with; SOCKS is none of them. */
const schemes = ['http:', 'https:']

/** `text` without a scheme is plain HTTP's. Throws what is wrong, naming `where`, without what may be secret. */
export const proxyOf = (text: string, where: string): URL => {
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`)
  if (!url?.hostname) throw new Error(`${where} must be the URL of a proxy, like http://proxy.example:3128`)
  if (!schemes.includes(url.protocol)) throw new Error(`${where} names a proxy of ${url.protocol}//, which is not supported: http:// and https:// are`)
  if (!['', '/'].includes(url.pathname) || url.search || url.hash) throw new Error(`${where} must be a proxy's URL without a path, a query or a fragment`)
  return url
}

export const isLoopback = (hostname: string): boolean => hostname === 'localhost' || hostname === '[::1]' || hostname === '::1' || /^127(?:\.\d{1,3}){3}$/.test(hostname)

const defaultPort = (protocol: string): string => (protocol === 'https:' ? '443' : '80')

const isInRange = (address: string, range: string): boolean => {
  const [net = '', bits = ''] = range.split('/')
  const version = isIP(net)
  if (version === 0 || version !== isIP(address) || !/^\d{1,3}$/.test(bits) || Number(bits) > (version === 4 ? 32 : 128)) return false
  const list = new BlockList()
  list.addSubnet(net, Number(bits), version === 4 ? 'ipv4' : 'ipv6')
  return list.check(address, version === 4 ? 'ipv4' : 'ipv6')
}

/** One entry of NO_PROXY: `*`, an address, a range, `example.com` with what is below it, `.example.com` without itself; with a port only for that port. */
const isExcepted = (entry: string, { name, port }: { name: string; port: string }): boolean => {
  if (entry === '*') return true
  if (entry.includes('/')) return isInRange(name, entry)
  const [, host = '', only] = /^(.*?)(?::(\d+))?$/.exec(isIP(entry) === 6 ? `[${entry}]` : entry) ?? []
  if (only !== undefined && only !== port) return false
  const domain = host.replace(/^\[(.*)\]$/, '$1').replace(/^\*\./, '.')
  return domain !== '' && (domain.startsWith('.') ? name.endsWith(domain) : name === domain || (isIP(domain) === 0 && name.endsWith(`.${domain}`)))
}

const read = (environment: ProxyEnvironment, name: string): { text: string; name: string } | undefined => {
  for (const each of [name, name.toLowerCase()]) { const text = environment[each]; if (text) return { text, name: each } }
  return undefined
}

/** undefined: straight. What is on loopback never goes through a proxy. */
export const proxyFor = (url: URL, environment: ProxyEnvironment): URL | undefined => {
  const found = read(environment, url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY')
  const name = url.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '')
  if (!found || isLoopback(name)) return undefined
  const target = { name, port: url.port || defaultPort(url.protocol) }
  const entries = (read(environment, 'NO_PROXY')?.text ?? '').split(',').map((each) => each.trim().toLowerCase()).filter(Boolean)
  return entries.some((entry) => isExcepted(entry, target)) ? undefined : proxyOf(found.text, found.name)
}
