/** What a request is about, read off its path and method. Mirrors `k8s.io/apiserver/pkg/endpoints/request/requestinfo.go`. */
import { badRequest } from '../api/status.ts'

export interface RequestInfo {
  resourceRequest: boolean
  /** Decoded. */
  path: string
  /** A resource verb, or the lower-case method of a non-resource request. */
  verb: string
  apiPrefix: '' | 'api' | 'apis'
  apiGroup: string
  apiVersion: string
  namespace: string
  resource: string
  subresource: string
  name: string
  /** The path from the resource on: `[resource, name, subresource, ...]`. */
  parts: readonly string[]
  /** As sent, of requests about collections; '' otherwise. */
  fieldSelector: string
  labelSelector: string
}

const verbOf: Readonly<Record<string, string>> = { POST: 'create', GET: 'get', HEAD: 'get', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }
const namespaceSubresources = new Set(['status', 'finalize'])

const decodePath = (rawPath: string): string => {
  if (!rawPath.includes('%')) return rawPath
  try {
    return decodeURIComponent(rawPath)
  } catch {
    throw badRequest(`invalid percent-encoding in path ${JSON.stringify(rawPath)}`)
  }
}

const splitPath = (path: string): string[] => {
  let start = 0
  let end = path.length
  while (path[start] === '/') start += 1
  while (end > start && path[end - 1] === '/') end -= 1
  return end <= start ? [] : path.slice(start, end).split('/')
}

const nonResource = (path: string, method: string): RequestInfo =>
  ({ resourceRequest: false, path, verb: method.toLowerCase(), apiPrefix: '', apiGroup: '', apiVersion: '', namespace: '', resource: '', subresource: '', name: '', parts: [], fieldSelector: '', labelSelector: '' })

/** The name that a `metadata.name=x` field selector pins, so that RBAC's resourceNames apply to such lists and watches. */
const pinnedName = (query: URLSearchParams): string => {
  for (const term of (query.get('fieldSelector') ?? '').split(',')) {
    const [, name] = /^metadata\.name==?([^=!,]+)$/.exec(term) ?? []
    if (name && !name.includes('/') && !name.includes('%') && name !== '.' && name !== '..') return name
  }
  return ''
}

const narrow = (info: RequestInfo, query: URLSearchParams): void => {
  info.fieldSelector = query.get('fieldSelector') ?? ''
  info.labelSelector = query.get('labelSelector') ?? ''
}

const isTrue = (value: string | null): boolean => value !== null && value !== 'false' && value !== '0'

/** `query` is only asked for when a collection is read. Throws 400 for a path that is not decodable. */
export const requestInfo = (method: string, rawPath: string, query: () => URLSearchParams): RequestInfo => {
  const path = decodePath(rawPath)
  let parts = splitPath(path)
  const prefix = parts[0]
  if (parts.length < 3 || (prefix !== 'api' && prefix !== 'apis')) return nonResource(path, method)
  parts = parts.slice(1)
  let apiGroup = ''
  if (prefix === 'apis') {
    if (parts.length < 3) return nonResource(path, method)
    apiGroup = parts[0] ?? ''
    parts = parts.slice(1)
  }
  const apiVersion = parts[0] ?? ''
  parts = parts.slice(1)
  let verb = verbOf[method] ?? ''
  if (parts[0] === 'proxy' || parts[0] === 'watch') {
    if (parts.length < 2) throw badRequest(`unable to determine kind and namespace from url, ${path}`)
    verb = parts[0]
    parts = parts.slice(1)
  }
  let namespace = ''
  if (parts[0] === 'namespaces' && parts.length > 1) {
    namespace = parts[1] ?? ''
    if (parts.length > 2 && !namespaceSubresources.has(parts[2] ?? '')) parts = parts.slice(2)
  }
  const info: RequestInfo = {
    resourceRequest: true, path, verb, apiPrefix: prefix, apiGroup, apiVersion, namespace, parts,
    resource: parts[0] ?? '', name: parts[1] ?? '', subresource: verb === 'proxy' ? '' : (parts[2] ?? ''), fieldSelector: '', labelSelector: '',
  }
  if (info.name === '' && verb === 'get') {
    info.verb = isTrue(query().get('watch')) ? 'watch' : 'list'
    info.name = pinnedName(query())
    narrow(info, query())
  } else if (info.name === '' && verb === 'delete') {
    info.verb = 'deletecollection'
    narrow(info, query())
  }
  return info
}

const longRunningSubresources = new Set(['attach', 'exec', 'proxy', 'log', 'portforward'])

/** Requests without a time limit, and outside the in-flight limit. */
export const isLongRunning = (info: RequestInfo): boolean =>
  info.verb === 'watch' || info.verb === 'proxy' || (info.resourceRequest && longRunningSubresources.has(info.subresource))
