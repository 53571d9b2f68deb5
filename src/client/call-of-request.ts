/** Which call of the gRPC service a request of the REST API is, if it is one. */
import { type FieldName, type MethodRow, patchContentTypes, requestFields, type ResourceCall, type ResourceMethod, resourceMethods } from '../api/resource-service.ts'
import type { ApiRequest } from './transport.ts'

export interface OutgoingCall {
  method: ResourceMethod
  call: ResourceCall
  /** Metadata: the request's headers, without those that the call itself says. */
  headers: Record<string, string>
}

const pathPattern = /^\/(?:api|apis\/(?<group>[^/]+))\/(?<version>[^/]+)(?:\/namespaces\/(?<namespace>[^/]+))?\/(?<resource>[^/]+)(?:\/(?<name>[^/]+)(?:\/(?<subresource>[^/]+))?)?$/

/** Answered with something else than an object. */
const conversations: ReadonlySet<string> = new Set(['log', 'exec', 'attach', 'portforward', 'proxy'])
/** `/api/v1/namespaces/x/status` is not a collection of them. */
const ofNamespaces: ReadonlySet<string> = new Set(['status', 'finalize'])

const decodedSegment = (segment: string): string | undefined => {
  try { return decodeURIComponent(segment) } catch { return undefined } // the server has words for it
}

const placeOf = (path: string): ResourceCall | undefined => {
  const place: Record<string, string> = {}
  for (const [name, value] of Object.entries(pathPattern.exec(path)?.groups ?? {})) {
    if (value === undefined) continue
    const decoded = value.includes('%') ? decodedSegment(value) : value
    if (decoded === undefined || decoded.includes('/')) return undefined
    place[name] = decoded
  }
  const { resource = '', namespace, name, subresource = '' } = place as ResourceCall
  if (resource === '' || resource === 'watch' || resource === 'proxy' || conversations.has(subresource)) return undefined
  if (namespace !== undefined && name === undefined && ofNamespaces.has(resource)) {
    const { namespace: _, ...rest } = place
    return { ...rest, resource: 'namespaces', name: namespace, subresource: resource }
  }
  return place
}

const methodOf = (http: ApiRequest['method'], { name, subresource }: ResourceCall, query: URLSearchParams): ResourceMethod | undefined => {
  switch (http) {
    case 'GET': return name !== undefined ? 'Get' : query.get('watch') === 'true' ? 'Watch' : 'List'
    case 'POST': return name === undefined || subresource !== undefined ? 'Create' : undefined
    case 'PUT': return name === undefined ? undefined : 'Update'
    case 'PATCH': return name === undefined ? undefined : 'Patch'
    case 'DELETE': return name === undefined ? 'DeleteCollection' : 'Delete'
  }
}

const booleans: Readonly<Record<string, boolean>> = { true: true, false: false }

/** Undefined: the service does not know such a parameter, or not with such a value. */
const optionsOf = (query: URLSearchParams, { options }: MethodRow): ResourceCall | undefined => {
  const call: Record<string, string | boolean> = {}
  for (const [name, text] of query) {
    if (name === 'watch') continue
    if (!options.includes(name as FieldName) || name in call || name === 'subresource') return undefined
    const { type } = requestFields[name as FieldName]
    const value = name === 'dryRun' ? (text === 'All' ? true : undefined) : type === 'bool' ? booleans[text] : type === 'int64' && !/^\d{1,15}$/.test(text) ? undefined : text
    if (value === undefined) return undefined
    call[name] = value
  }
  return call
}

const contentType = (method: ResourceMethod, headers: ApiRequest['headers']): { patchType?: number } | undefined => {
  const type = headers['content-type']
  if (method !== 'Patch') return type === undefined || type === 'application/json' ? {} : undefined
  const patchType = type === undefined ? -1 : patchContentTypes.indexOf(type)
  return patchType > 0 ? { patchType } : undefined
}

/** Undefined: only HTTP can say it (other paths, tables, protobuf, parameters that the service does not know). */
export const callOfRequest = ({ method: http, path, headers, body }: ApiRequest): OutgoingCall | undefined => {
  const { accept, 'content-type': _, 'accept-encoding': _encoding, ...metadata } = headers
  if (accept !== undefined && accept !== 'application/json') return undefined
  const mark = path.indexOf('?')
  const place = placeOf(mark < 0 ? path : path.slice(0, mark))
  if (!place) return undefined
  const query = new URLSearchParams(mark < 0 ? '' : path.slice(mark + 1))
  const method = methodOf(http, place, query)
  if (!method || (method !== 'Watch' && query.has('watch'))) return undefined
  const row = resourceMethods[method]
  if (place.subresource !== undefined && !row.options.includes('subresource')) return undefined
  const options = optionsOf(query, row)
  const sent = contentType(method, headers)
  if (!options || !sent || (body && !row.body)) return undefined
  return { method, headers: metadata, call: { ...place, ...options, ...sent, ...(body && { body }) } }
}
