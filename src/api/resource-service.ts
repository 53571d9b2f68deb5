/** The gRPC service between the components and the API server, as data: what resource-service.proto says (a test compares them). */

export type FieldType = 'string' | 'int64' | 'bool' | 'bytes' | 'enum'

/** What a call says of itself; every member is a field of some request, and a query parameter of the same name over REST. Absent: not said. */
export interface ResourceCall {
  group?: string
  version?: string
  resource?: string
  namespace?: string
  name?: string
  subresource?: string
  labelSelector?: string
  fieldSelector?: string
  resourceVersion?: string
  resourceVersionMatch?: string
  limit?: string
  continue?: string
  timeoutSeconds?: string
  allowWatchBookmarks?: boolean
  sendInitialEvents?: boolean
  fieldManager?: string
  fieldValidation?: string
  dryRun?: boolean
  force?: boolean
  /** Index in `patchContentTypes`. */
  patchType?: number
  body?: Uint8Array
}

export type FieldName = keyof ResourceCall

/** Where presence itself says something, a zero is sent, too. */
export const requestFields: Readonly<Record<FieldName, { number: number; type: FieldType; optional?: true }>> = {
  group: { number: 1, type: 'string' }, version: { number: 2, type: 'string' }, resource: { number: 3, type: 'string' }, namespace: { number: 4, type: 'string' },
  name: { number: 5, type: 'string' }, subresource: { number: 6, type: 'string' }, labelSelector: { number: 7, type: 'string' }, fieldSelector: { number: 8, type: 'string' },
  resourceVersion: { number: 9, type: 'string' }, resourceVersionMatch: { number: 10, type: 'string' }, limit: { number: 11, type: 'int64' }, continue: { number: 12, type: 'string' },
  timeoutSeconds: { number: 13, type: 'int64' }, allowWatchBookmarks: { number: 14, type: 'bool' }, sendInitialEvents: { number: 15, type: 'bool', optional: true },
  fieldManager: { number: 16, type: 'string' }, fieldValidation: { number: 17, type: 'string' }, dryRun: { number: 18, type: 'bool' }, force: { number: 19, type: 'bool', optional: true },
  patchType: { number: 20, type: 'enum' }, body: { number: 21, type: 'bytes' },
}

export type ResourceMethod = 'Get' | 'List' | 'Watch' | 'Create' | 'Update' | 'Patch' | 'Delete' | 'DeleteCollection'
export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export interface MethodRow {
  /** What it is over REST. */
  http: HttpMethod
  /** The parameters that it knows beside the resource, namespace, name, subresource and body. */
  options: readonly FieldName[]
  /** Further fields. */
  names: 'one' | 'many'
  body: boolean
  /** One message; the pieces of a document; or events. */
  answer: 'object' | 'pieces' | 'events'
}

const selection = ['labelSelector', 'fieldSelector', 'resourceVersion', 'resourceVersionMatch'] as const
const written = ['fieldManager', 'fieldValidation', 'dryRun'] as const

export const resourceMethods: Readonly<Record<ResourceMethod, MethodRow>> = {
  Get: { http: 'GET', options: ['subresource', 'resourceVersion'], names: 'one', body: false, answer: 'object' },
  List: { http: 'GET', options: [...selection, 'limit', 'continue', 'timeoutSeconds'], names: 'many', body: false, answer: 'pieces' },
  Watch: { http: 'GET', options: [...selection, 'timeoutSeconds', 'allowWatchBookmarks', 'sendInitialEvents'], names: 'many', body: false, answer: 'events' },
  Create: { http: 'POST', options: ['name', 'subresource', ...written], names: 'many', body: true, answer: 'object' },
  Update: { http: 'PUT', options: ['subresource', ...written], names: 'one', body: true, answer: 'object' },
  Patch: { http: 'PATCH', options: ['subresource', ...written, 'force', 'patchType'], names: 'one', body: true, answer: 'object' },
  Delete: { http: 'DELETE', options: [], names: 'one', body: true, answer: 'object' },
  DeleteCollection: { http: 'DELETE', options: [...selection, 'limit', 'continue', 'timeoutSeconds'], names: 'many', body: true, answer: 'pieces' },
}

/** The fields that a method's request has. */
export const fieldsOf = ({ options, names, body }: MethodRow): FieldName[] =>
  ['group', 'version', 'resource', 'namespace', ...(names === 'one' ? ['name' as const] : []), ...options, ...(body ? ['body' as const] : [])]

/** By the number of a PatchType. */
export const patchContentTypes: readonly string[] = ['', 'application/json-patch+json', 'application/merge-patch+json', 'application/strategic-merge-patch+json', 'application/apply-patch+yaml']

/** By the number of an EventType. */
export const eventTypes = ['', 'ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR'] as const
export type EventType = Exclude<(typeof eventTypes)[number], ''>

export const servicePath = '/wherry.v1.ResourceService/'
export const statusDetailType = 'type.googleapis.com/wherry.v1.StatusDetail'

/**
 * A server that has this service says so in the first frame of every HTTP/2 connection, by a setting of its own (RFC 9113, 5.5: whoever does not know it ignores it).
 * So a client never has to ask whether it speaks to such a server, and a proxy between them that does not pass HTTP/2 on takes the offer away.
 */
export const serviceSetting = { id: 0xf057, version: 1 } as const
