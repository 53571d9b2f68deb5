/** Whom a webhook's client configuration means. Mirrors apiserver's `pkg/util/webhook/client.go`. */
import path from 'node:path/posix'
import type { DialAddress, ResolveService } from './service-resolver.ts'

/** As AdmissionRegistration, CustomResourceDefinition conversion and others spell it: a URL or a Service. */
export interface WebhookClientConfig {
  url?: string | undefined
  service?: { namespace: string; name: string; path?: string | undefined; port?: number | undefined } | undefined
  /** PEM in base64; absent: the machine's own authorities. */
  caBundle?: string | undefined
}

export interface CallTarget {
  /** `https://web.default.svc:443`: as errors show it, and as the Host header says. */
  origin: string
  path: string
  /** Whose name the certificate must have; '' for an address. */
  serverName: string
  /** Asked when a connection is made. */
  dial(): DialAddress
}

const isAddress = (host: string): boolean => /^[\d.]+$/.test(host) || host.includes(':')

const serviceTarget = (service: NonNullable<WebhookClientConfig['service']>, resolve: ResolveService): CallTarget => {
  const { namespace, name, port = 443 } = service
  const serverName = `${name}.${namespace}.svc`
  return { origin: `https://${serverName}:${port}`, path: path.join('/', service.path ?? '').replace(/(.)\/$/, '$1'), serverName, dial: () => resolve({ namespace, name, port }) }
}

/** Throws an Error in upstream's words for a configuration that says neither. */
export const callTarget = ({ url, service }: WebhookClientConfig, resolve: ResolveService): CallTarget => {
  if (service) return serviceTarget(service, resolve)
  if (!url) throw new Error('webhook configuration must have either service or URL')
  if (!URL.canParse(url)) throw new Error('Unparsable URL: the webhook\'s url cannot be parsed')
  const { protocol, host, hostname, port, pathname } = new URL(url)
  if (protocol !== 'https:') throw new Error(`Unparsable URL: 'https' is the only allowed URL scheme`)
  const bare = hostname.replace(/^\[|\]$/g, '')
  return { origin: `https://${host}`, path: path.join('/', pathname).replace(/(.)\/$/, '$1'), serverName: isAddress(bare) ? '' : bare, dial: () => ({ host: bare, port: Number(port || 443) }) }
}
