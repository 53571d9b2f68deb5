/** Where a webhook is: a URL or a Service. Mirrors apiserver's `pkg/util/webhook/validation.go`, for admission and for conversion. */
import { isDns1123Subdomain, isPortNumber } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { WebhookClientConfig } from '../../outbound/call-target.ts'
import { invalids } from '../field-checks.ts'

const form = '; desired format: https://host[/path]'

/** As net/url takes a URL apart. */
const parts = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s

const urlProblem = (url: string): string | undefined => {
  if (/[\u0000-\u001f\u007f]/.test(url)) return `parse ${JSON.stringify(url)}: net/url: invalid control character in URL`
  if (/%(?![0-9A-Fa-f]{2})/.test(url)) return `parse ${JSON.stringify(url)}: invalid URL escape ${JSON.stringify(/%.{0,2}/.exec(url)?.[0] ?? '%')}`
  const port = /:([^:\]@]*)$/.exec(parts.exec(url)?.[2] ?? '')?.[1]
  return port !== undefined && !/^\d*$/.test(port) ? `parse ${JSON.stringify(url)}: invalid port ${JSON.stringify(`:${port}`)} after host` : undefined
}

export const checkWebhookUrl = (path: string, url: string): FieldError[] => {
  const problem = urlProblem(url)
  if (problem !== undefined) return [fieldError.required(path, `url must be a valid URL: ${problem}${form}`)]
  const [, scheme = '', authority = '', , query = '', fragment = ''] = parts.exec(url) ?? []
  const at = authority.lastIndexOf('@')
  const host = authority.slice(at + 1)
  return [
    ...(scheme === 'https' ? [] : [fieldError.invalid(path, scheme, `'https' is the only allowed URL scheme${form}`)]),
    ...(host === '' ? [fieldError.invalid(path, host, `host must be provided${form}`)] : []),
    ...(at >= 0 ? [fieldError.invalid(path, authority.slice(0, at), 'user information is not permitted in the URL')] : []),
    ...(fragment !== '' ? [fieldError.invalid(path, fragment, 'fragments are not permitted in the URL')] : []),
    ...(query !== '' ? [fieldError.invalid(path, query, 'query parameters are not permitted in the URL')] : []),
  ]
}

const checkServicePath = (path: string, urlPath: string): FieldError[] => {
  if (urlPath === '' || urlPath === '/') return []
  if (urlPath === '//') return [fieldError.invalid(path, urlPath, 'segment[0] may not be empty')]
  const segments = urlPath.slice(1).replace(/\/$/, '').split('/')
  return [
    ...(urlPath.startsWith('/') ? [] : [fieldError.invalid(path, urlPath, "must start with a '/'")]),
    ...segments.flatMap((segment, index) => (segment === '' ? [fieldError.invalid(path, urlPath, `segment[${index}] may not be empty`)]
      : invalids(path, urlPath, isDns1123Subdomain(segment).map((problem) => `segment[${index}]: ${problem}`)))),
  ]
}

export const checkWebhookService = (path: string, { name, namespace, path: urlPath, port = 443 }: NonNullable<WebhookClientConfig['service']>): FieldError[] => {
  const portProblems = isPortNumber(port)
  return [
    ...(name ? [] : [fieldError.required(`${path}.name`, 'service name is required')]),
    ...(namespace ? [] : [fieldError.required(`${path}.namespace`, 'service namespace is required')]),
    ...(portProblems.length > 0 ? [fieldError.invalid(`${path}.port`, port, `port is not valid: ${portProblems.join(', ')}`)] : []),
    ...(urlPath === undefined ? [] : checkServicePath(`${path}.path`, urlPath)),
  ]
}

export const checkClientConfig = (path: string, { url, service }: WebhookClientConfig): FieldError[] => {
  if ((url === undefined) === (service === undefined)) return [fieldError.required(path, 'exactly one of url or service is required')]
  return url === undefined ? checkWebhookService(`${path}.service`, service as NonNullable<typeof service>) : checkWebhookUrl(`${path}.url`, url)
}
