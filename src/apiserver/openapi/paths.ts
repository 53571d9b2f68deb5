/** Paths of the served resources with their operations, as much of them as clients read: actions, kinds, parameters, bodies. Pure. */
import { resourcePath, type Kind, type Subresource, type Verb } from '../../api/kinds.ts'
import type { JsonObject } from '../../api/meta.ts'
import { patchType } from './definitions.ts'

const queryParameter = (name: string, type: string): JsonObject => ({ in: 'query', name, schema: { type, uniqueItems: true } })
const pathParameter = (name: string): JsonObject => ({ in: 'path', name, required: true, schema: { type: 'string', uniqueItems: true } })

const writing = [queryParameter('dryRun', 'string'), queryParameter('fieldManager', 'string'), queryParameter('fieldValidation', 'string')]
const listing = ['allowWatchBookmarks', 'continue', 'fieldSelector', 'labelSelector', 'limit', 'resourceVersion', 'resourceVersionMatch', 'sendInitialEvents', 'timeoutSeconds', 'watch']
  .map((name) => queryParameter(name, ['allowWatchBookmarks', 'sendInitialEvents', 'watch'].includes(name) ? 'boolean' : ['limit', 'timeoutSeconds'].includes(name) ? 'integer' : 'string'))
const deleting = [queryParameter('dryRun', 'string'), queryParameter('gracePeriodSeconds', 'integer'), queryParameter('orphanDependents', 'boolean'), queryParameter('propagationPolicy', 'string')]

const patchTypes = ['application/apply-patch+yaml', 'application/json-patch+json', 'application/merge-patch+json', 'application/strategic-merge-patch+json']
/** kubectl apply reads here that custom resources know no strategic merge. */
const customPatchTypes = patchTypes.slice(0, 3)

/** `infix` stands before the kind in the operation's id: `deleteCoreV1CollectionNamespacedPod`, `connectCoreV1GetNamespacedPodExec`. */
interface Operation { method: string; action: string; verb: string; infix?: string; parameters: JsonObject[]; body?: JsonObject }

const json = (reference: string): JsonObject => ({ content: { 'application/json': { schema: { $ref: reference } } }, required: true })

export interface PathContext {
  reference(schema: string): string
}

const pascal = (text: string): string => text.split(/[.-]/).map((part) => part.charAt(0).toUpperCase() + part.slice(1)).join('')

const operation = (kind: Kind, { method, action, verb, infix = '', parameters, body }: Operation, at: { reference: string; suffix: string }): [string, JsonObject] => {
  const groupPart = kind.group === '' ? 'Core' : pascal(kind.group.replace(/\.k8s\.io$/, ''))
  return [method, {
    operationId: `${verb}${groupPart}${pascal(kind.version)}${infix}${kind.namespaced ? 'Namespaced' : ''}${at.suffix}`, tags: [`${groupPart.toLowerCase()}_${kind.version}`],
    parameters, ...(body && { requestBody: body }),
    responses: { 200: { description: 'OK', content: { 'application/json': { schema: { $ref: at.reference } } } } },
    'x-kubernetes-action': action, 'x-kubernetes-group-version-kind': { group: kind.group, version: kind.version, kind: kind.kind },
  }]
}

const objectOperations = (kind: Kind, verbs: readonly string[], { reference, patch }: { reference: string; patch: string }): Operation[] => [
  ...(verbs.includes('get') ? [{ method: 'get', action: 'get', verb: 'read', parameters: [] }] : []),
  ...(verbs.includes('update') ? [{ method: 'put', action: 'put', verb: 'replace', parameters: writing, body: json(reference) }] : []),
  ...(verbs.includes('patch') ? [{ method: 'patch', action: 'patch', verb: 'patch', parameters: [...writing, queryParameter('force', 'boolean')],
    body: { content: Object.fromEntries((kind.custom ? customPatchTypes : patchTypes).map((type) => [type, { schema: { $ref: patch } }])), required: true } }] : []),
  ...(verbs.includes('delete') ? [{ method: 'delete', action: 'delete', verb: 'delete', parameters: deleting }] : []),
  ...(verbs.includes('create') && kind.verbs.length === 0 ? [{ method: 'post', action: 'post', verb: 'create', parameters: writing, body: json(reference) }] : []),
]

/** Of a subresource; conversations (exec, attach) are connected to. */
const below = ({ kind: body = '', verbs }: Subresource, kind: Kind, schemas: { reference: string; patch: string }): Operation[] => (body.endsWith('Options')
  ? verbs.map((verb) => ({ method: verb === 'create' ? 'post' : verb, action: 'connect', verb: 'connect', infix: verb === 'create' ? 'Post' : pascal(verb), parameters: [] }))
  : objectOperations({ ...kind, verbs: [] }, verbs, schemas))

/** All paths of one kind: collection (everywhere and in a namespace), object, subresources. */
export const pathsOf = (kind: Kind, context: PathContext): JsonObject => {
  const reference = context.reference(kind.schema)
  const patch = context.reference(patchType)
  const of = (operations: readonly Operation[], { suffix = kind.kind, parameters, shown = kind }: { suffix?: string; parameters: JsonObject[]; shown?: Kind }): JsonObject =>
    ({ ...Object.fromEntries(operations.map((each) => operation(shown, each, { reference, suffix }))), parameters })
  const has = (verb: Verb): boolean => kind.verbs.includes(verb)
  const inNamespace = kind.namespaced ? [pathParameter('namespace')] : []
  const template = (at: { name?: string; subresource?: string }): string => resourcePath(kind, { ...(kind.namespaced && { namespace: '{namespace}' }), ...at }).replaceAll('%7B', '{').replaceAll('%7D', '}')
  const collection: Operation[] = [
    ...(has('list') ? [{ method: 'get', action: 'list', verb: 'list', parameters: listing }] : []),
    ...(has('create') ? [{ method: 'post', action: 'post', verb: 'create', parameters: writing, body: json(reference) }] : []),
    ...(has('deletecollection') ? [{ method: 'delete', action: 'deletecollection', verb: 'delete', infix: 'Collection', parameters: [...listing, ...deleting] }] : []),
  ]
  const named = [pathParameter('name'), ...inNamespace]
  return {
    ...(kind.namespaced && has('list') && { [resourcePath(kind)]: of(collection.slice(0, 1), { suffix: `${kind.kind}ForAllNamespaces`, parameters: [], shown: { ...kind, namespaced: false } }) }),
    ...(collection.length > 0 && { [template({})]: of(collection, { parameters: inNamespace }) }),
    ...(has('get') && { [template({ name: '{name}' })]: of(objectOperations(kind, kind.verbs, { reference, patch }), { parameters: named }) }),
    ...Object.fromEntries(kind.subresources.map((row) => [template({ name: '{name}', subresource: row.name }), of(below(row, kind, { reference, patch }), { suffix: `${kind.kind}${pascal(row.name)}`, parameters: named })])),
  }
}
