/** One operation of OpenAPI v3: its answers, its body, who it is of. Mirrors apiserver's `pkg/endpoints/installer.go`. Pure. */
import type { Kind } from '../../api/kinds.ts'
import type { JsonObject } from '../../api/meta.ts'

export type Method = 'get' | 'put' | 'post' | 'patch' | 'delete' | 'head' | 'options'

export interface Operation {
  method: Method
  id: string
  description: string
  /** x-kubernetes-action; absent for what is no resource. */
  action?: string
  gvk?: { group: string; version: string; kind: string }
  tag: string
  parameters?: readonly JsonObject[]
  body?: JsonObject
  /** Status codes of success. */
  codes: readonly number[]
  /** The schema of the answers, and as what they are sent. */
  answer?: { schema: JsonObject; mediaTypes: readonly string[] }
}

export const objectTypes = ['application/json', 'application/yaml'] as const
/** Lists may be watched. */
export const listTypes = [...objectTypes, 'application/json;stream=watch'] as const

const reasons: Readonly<Record<number, string>> = { 200: 'OK', 201: 'Created', 202: 'Accepted' }

/** `Core`, `Apps`, `RbacAuthorization`. */
export const groupPart = (group: string): string => (group === '' ? 'Core' : pascal(group.replace(/\.k8s\.io$/, '')))
export const pascal = (text: string): string => text.split(/[.-]/).map((part) => part.charAt(0).toUpperCase() + part.slice(1)).join('')
/** As upstream writes the tag of a group: the first letter small. */
export const tagOf = ({ group, version }: Pick<Kind, 'group' | 'version'>): string => { const part = groupPart(group); return `${part.charAt(0).toLowerCase()}${part.slice(1)}_${version}` }

/** The body of a request, whatever its media type. */
export const anyBody = (schema: JsonObject, { required = true, mediaTypes = ['*/*'] }: { required?: boolean; mediaTypes?: readonly string[] } = {}): JsonObject =>
  ({ content: Object.fromEntries(mediaTypes.map((type) => [type, { schema }])), ...(required && { required }) })

/** The method and the operation's object. */
export const rendered = ({ method, id, description, action, gvk, tag, parameters = [], body, codes, answer }: Operation): [string, JsonObject] => {
  const content = answer && Object.fromEntries(answer.mediaTypes.map((type) => [type, { schema: answer.schema }]))
  return [method, {
    description, operationId: id, tags: [tag], ...(parameters.length > 0 && { parameters: [...parameters] }), ...(body && { requestBody: body }),
    responses: { ...Object.fromEntries(codes.map((code) => [code, { description: reasons[code] ?? '', ...(content && { content }) }])), 401: { description: 'Unauthorized' } },
    ...(action && { 'x-kubernetes-action': action }), ...(gvk && { 'x-kubernetes-group-version-kind': { ...gvk } }),
  }]
}
