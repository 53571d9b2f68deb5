/** What a gRPC call asks for, as the request that it is over REST: from here on there is one way for both. */
import { badRequest, notImplemented } from '../../api/status.ts'
import { ProtobufError } from '../../api/protobuf-reader.ts'
import { decodeRequest } from '../../api/resource-message.ts'
import { type FieldName, fieldsOf, patchContentTypes, type ResourceCall, type ResourceMethod, resourceMethods, servicePath } from '../../api/resource-service.ts'
import type { RequestHeaders } from '../exchange.ts'
import { isLongRunning, requestInfo } from '../request-info.ts'

export interface RestRequest {
  method: string
  /** Path and query. */
  target: string
  headers: RequestHeaders
  body: Uint8Array
}

const nothing = new Uint8Array()
const verbs: Readonly<Record<ResourceMethod, string>> =
  { Get: 'get', List: 'list', Watch: 'watch', Create: 'create', Update: 'update', Patch: 'patch', Delete: 'delete', DeleteCollection: 'deletecollection' }
const known = new Map(Object.entries(resourceMethods).map(([method, row]) => [method as ResourceMethod, new Set(fieldsOf(row))]))

/** The method that a request's path names. */
export const methodOf = (path: string | undefined): ResourceMethod | undefined => {
  const name = path?.startsWith(servicePath) ? path.slice(servicePath.length) : ''
  return Object.hasOwn(resourceMethods, name) ? (name as ResourceMethod) : undefined
}

const pathOf = ({ group = '', version = '', resource = '', namespace = '', name = '', subresource = '' }: ResourceCall): string => {
  const parts = [...(group === '' ? ['api'] : ['apis', group]), version, ...(namespace === '' ? [] : ['namespaces', namespace]), resource]
  if (name !== '') parts.push(name)
  if (subresource !== '') parts.push(subresource)
  return `/${parts.map(encodeURIComponent).join('/')}`
}

const inPath: ReadonlySet<FieldName> = new Set(['group', 'version', 'resource', 'namespace', 'name', 'subresource', 'patchType', 'body'])

const queryOf = (method: ResourceMethod, call: ResourceCall): string => {
  const query = new URLSearchParams(method === 'Watch' ? { watch: 'true' } : {})
  for (const [name, value] of Object.entries(call)) {
    if (inPath.has(name as FieldName)) continue
    if (name === 'dryRun') { if (value === true) query.set(name, 'All') } else query.set(name, String(value))
  }
  return query.size > 0 ? `?${query}` : ''
}

/** A path may mean something else than its parts: `namespaces/x/pods`, `watch/pods`, a name with a slash. What it does not say is not asked. */
const checkMeaning = (method: ResourceMethod, call: ResourceCall, rest: { method: string; path: string; query: string }): void => {
  const { version = '', resource = '', namespace = '', name = '', subresource = '' } = call
  for (const [field, value] of Object.entries({ version, resource })) if (value === '') throw badRequest(`${method}Request.${field}: must be set`)
  if (name === '' && resourceMethods[method].names === 'one') throw badRequest(`${method}Request.name: must be set`)
  if (name === '' && subresource !== '') throw badRequest(`${method}Request.name: must be set with a subresource`)
  const info = requestInfo(rest.method, rest.path, () => new URLSearchParams(rest.query))
  const ofNamespace = namespace === '' && resource === 'namespaces'
  const says = info.resourceRequest && info.verb === verbs[method] && info.apiVersion === version && info.apiGroup === (call.group ?? '') && info.resource === resource
    && (info.name === name || name === '') && info.subresource === subresource && (info.namespace === namespace || ofNamespace)
  if (!says) throw badRequest(`${method}Request: ${JSON.stringify(rest.path)} is no path of such a request`)
  if (method !== 'Watch' && isLongRunning(info)) throw notImplemented(`${resource}/${subresource} is served over HTTP only`)
}

/** Headers that belong to the carrier, or that would change what the answer is made of. */
const carriers: ReadonlySet<string> = new Set(['content-type', 'content-length', 'te', 'accept', 'accept-encoding', 'expect', 'grpc-accept-encoding', 'grpc-encoding', 'grpc-timeout'])

const headersOf = (method: ResourceMethod, { patchType = 0 }: ResourceCall, metadata: RequestHeaders): RequestHeaders => {
  const headers: Record<string, string | undefined> = { accept: 'application/json' }
  for (const [name, value] of Object.entries(metadata)) if (!name.startsWith(':') && !carriers.has(name) && name !== '__proto__') headers[name] = value
  if (method !== 'Patch') headers['content-type'] = 'application/json'
  else {
    const type = patchContentTypes[patchType]
    if (!type) throw badRequest(`PatchRequest.patch_type: ${patchType} is none of JSON (1), MERGE (2), STRATEGIC (3), APPLY (4)`)
    headers['content-type'] = type
  }
  return headers
}

/** Throws the StatusError that the caller is to see. */
export const requestOfCall = (method: ResourceMethod, message: Uint8Array, metadata: RequestHeaders): RestRequest => {
  let call: ResourceCall
  try {
    call = decodeRequest(message, known.get(method) ?? new Set())
  } catch (error) {
    if (error instanceof ProtobufError) throw badRequest(`${method}Request: ${error.message}`)
    throw error
  }
  const path = pathOf(call)
  const query = queryOf(method, call)
  const { http } = resourceMethods[method]
  checkMeaning(method, call, { method: http, path, query: query.slice(1) })
  return { method: http, target: path + query, headers: headersOf(method, call, metadata), body: call.body ?? nothing }
}
