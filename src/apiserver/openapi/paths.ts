/** Paths of the served resources with their operations: collections, objects, subresources, conversations, and the old watches. Mirrors apiserver's `pkg/endpoints/installer.go`. Pure. */
import { resourcePath, type Kind, type Subresource, type Verb } from '../../api/kinds.ts'
import type { JsonObject } from '../../api/meta.ts'
import type { Descriptions } from './definitions.ts'
import { anyBody, groupPart, listTypes, type Method, objectTypes, type Operation, pascal, rendered, tagOf } from './operations.ts'
import { isParameterGroup, nameParameter, namespaceParameter, type ParameterGroup, prettyParameter, queryParameters, tailParameter } from './parameters.ts'
import { patchType } from './definitions.ts'

const patchTypes = ['application/apply-patch+yaml', 'application/json-patch+json', 'application/merge-patch+json', 'application/strategic-merge-patch+json']
/** kubectl apply reads here that custom resources know no strategic merge. */
const customPatchTypes = patchTypes.slice(0, 3)

export interface PathContext {
  descriptions: Descriptions
  /** A reference to the schema of one of our types, or of a definition by its whole name. */
  reference(schema: string): JsonObject
  /** The reference of the kind's lists. */
  list: JsonObject
  /** Whether a deletion is answered with the object instead of a Status. */
  returnsDeleted: boolean
}

interface Parts { kind: Kind; context: PathContext }

const common = ({ kind }: Parts): { gvk: { group: string; version: string; kind: string }; tag: string } => ({ gvk: { group: kind.group, version: kind.version, kind: kind.kind }, tag: tagOf(kind) })
/** `readCoreV1NamespacedPod` */
const idOf = ({ kind }: Parts, { verb, infix = '', suffix = '', namespaced = kind.namespaced }: { verb: string; infix?: string; suffix?: string; namespaced?: boolean }): string =>
  `${verb}${groupPart(kind.group)}${pascal(kind.version)}${infix}${namespaced ? 'Namespaced' : ''}${kind.kind}${suffix}`

const statusSchema = ({ context }: Parts): JsonObject => context.reference('Status')
const objects = (schema: JsonObject): NonNullable<Operation['answer']> => ({ schema, mediaTypes: objectTypes })
const bodyOf = ({ kind }: Parts, schema: JsonObject): JsonObject => anyBody(schema, kind.custom ? { mediaTypes: objectTypes } : {})

/** get, put, patch of an object or of what is below it. */
const objectOperations = (parts: Parts, verbs: readonly string[], { schema, of = 'the', suffix = '', gvk }: { schema: JsonObject; of?: string; suffix?: string; gvk?: Operation['gvk'] }): Operation[] => {
  const { kind, context: { descriptions, reference } } = parts
  const base = { ...common(parts), ...(gvk && { gvk }) }
  const patch = anyBody(reference(patchType), { mediaTypes: kind.custom ? customPatchTypes : patchTypes })
  return [
    ...(verbs.includes('get') ? [{ ...base, method: 'get' as const, action: 'get', id: idOf(parts, { verb: 'read', suffix }), description: `read ${of} specified ${kind.kind}`, codes: [200], answer: objects(schema) }] : []),
    ...(verbs.includes('update') ? [{ ...base, method: 'put' as const, action: 'put', id: idOf(parts, { verb: 'replace', suffix }), description: `replace ${of} specified ${kind.kind}`, codes: [200, 201], answer: objects(schema),
      parameters: queryParameters('write', descriptions), body: bodyOf(parts, schema) }] : []),
    ...(verbs.includes('patch') ? [{ ...base, method: 'patch' as const, action: 'patch', id: idOf(parts, { verb: 'patch', suffix }), description: `partially update ${of} specified ${kind.kind}`, codes: kind.custom ? [200] : [200, 201], answer: objects(schema),
      parameters: queryParameters('patch', descriptions), body: patch }] : []),
  ]
}

const deletion = (parts: Parts): Operation => {
  const { kind, context: { descriptions, reference, returnsDeleted } } = parts
  return { ...common(parts), method: 'delete', action: 'delete', id: idOf(parts, { verb: 'delete' }), description: `delete ${article(kind.kind)}`, codes: [200, 202], answer: objects(returnsDeleted ? reference(kind.schema) : statusSchema(parts)),
    parameters: queryParameters('delete', descriptions), body: anyBody(reference('DeleteOptions'), { required: false, ...(kind.custom && { mediaTypes: objectTypes }) }) }
}

/** Endpoints are many already. */
const article = (kind: string): string => (kind.endsWith('s') && !kind.endsWith('ss') && !kind.endsWith('Status') ? kind : `${/^[AEIOU]/.test(kind) ? 'an' : 'a'} ${kind}`)
const isWatched = ({ kind }: Parts): boolean => kind.verbs.includes('watch')

const listing = (parts: Parts, everywhere: boolean): Operation => {
  const { kind, context } = parts
  return { ...common(parts), method: 'get', action: 'list', id: everywhere ? idOf(parts, { verb: 'list', suffix: 'ForAllNamespaces', namespaced: false }) : idOf(parts, { verb: 'list' }),
    description: `list ${isWatched(parts) ? 'or watch ' : ''}objects of kind ${kind.kind}`, codes: [200], answer: { schema: context.list, mediaTypes: kind.custom ? objectTypes : listTypes }, parameters: everywhere ? [] : queryParameters('list', context.descriptions) }
}

/** Computed kinds and the bindings take their options with the path, as upstream's connect-like storages. */
const isCreatedOnly = ({ verbs }: Kind): boolean => verbs.length === 1 && verbs[0] === 'create'

const collection = (parts: Parts): Operation[] => {
  const { kind, context: { descriptions, reference } } = parts
  const has = (verb: Verb): boolean => kind.verbs.includes(verb)
  const schema = reference(kind.schema)
  const deleting = [...queryParameters('list', descriptions, ['allowWatchBookmarks', 'watch']), ...queryParameters('delete', descriptions)]
  return [
    ...(has('list') ? [listing(parts, false)] : []),
    ...(has('create') ? [{ ...common(parts), method: 'post' as const, action: 'post', id: idOf(parts, { verb: 'create' }), description: `create ${article(kind.kind)}`, codes: [200, 201, 202], answer: objects(schema),
      parameters: isCreatedOnly(kind) ? [] : queryParameters('write', descriptions), body: bodyOf(parts, schema) }] : []),
    ...(has('deletecollection') ? [{ ...common(parts), method: 'delete' as const, action: 'deletecollection', id: idOf(parts, { verb: 'delete', infix: 'Collection' }), description: `delete collection of ${kind.kind}`, codes: [200],
      answer: objects(statusSchema(parts)), parameters: deleting, body: anyBody(reference('DeleteOptions'), { required: false, ...(kind.custom && { mediaTypes: objectTypes }) }) }] : []),
  ]
}

const connectMethods: readonly Method[] = ['delete', 'get', 'head', 'options', 'patch', 'post', 'put']

/** exec, attach, portforward and proxies: connected to by every method that they take. */
const conversation = (parts: Parts, { name, options, methods, tail }: { name: string; options: string; methods: readonly Method[]; tail: boolean }): Operation[] => methods.map((method) => ({
  method, action: 'connect', id: idOf(parts, { verb: 'connect', infix: pascal(method), suffix: '' }).replace(/$/, `${pascal(name)}${tail ? 'WithPath' : ''}`), tag: tagOf(parts.kind), gvk: { ...common(parts).gvk, kind: options },
  description: `connect ${method.toUpperCase()} requests to ${name} of ${parts.kind.kind}`, codes: [200], answer: { schema: { type: 'string' }, mediaTypes: ['*/*'] },
}))

const deprecated = "deprecated: use the 'watch' parameter with a list operation instead"

/** `/api/v1/watch/pods`: how watching was asked for once. */
const watches = (parts: Parts): [string, JsonObject][] => {
  const { kind, context: { descriptions, reference } } = parts
  const usual = [...queryParameters('list', descriptions), prettyParameter(descriptions)]
  const operation = (action: string, id: string, text: string): Operation =>
    ({ ...common(parts), method: 'get', action, id, description: text, codes: [200], answer: { schema: reference('WatchEvent'), mediaTypes: listTypes } })
  const item = (path: string, each: Operation, parameters: readonly JsonObject[]): [string, JsonObject] => [path, { ...Object.fromEntries([rendered(each)]), parameters: [...parameters, ...usual] }]
  const list = `watch individual changes to a list of ${kind.kind}. ${deprecated}.`
  const named = `watch changes to an object of kind ${kind.kind}. ${deprecated}, filtered to a single item with the 'fieldSelector' parameter.`
  const at = (path: string): string => path.replace(/^(\/api\/[^/]+|\/apis\/[^/]+\/[^/]+)/, '$1/watch')
  const inNamespace = kind.namespaced ? [namespaceParameter()] : []
  return [
    ...(kind.namespaced ? [item(at(resourcePath(kind)), operation('watchlist', idOf(parts, { verb: 'watch', suffix: 'ListForAllNamespaces', namespaced: false }), list), [])] : []),
    item(at(template(kind, {})), operation('watchlist', idOf(parts, { verb: 'watch', suffix: 'List' }), list), inNamespace),
    item(at(template(kind, { name: '{name}' })), operation('watch', idOf(parts, { verb: 'watch' }), named), [nameParameter(kind.kind), ...inNamespace]),
  ]
}

const template = (kind: Kind, at: { name?: string; subresource?: string }): string => resourcePath(kind, { ...(kind.namespaced && { namespace: '{namespace}' }), ...at }).replaceAll('%7B', '{').replaceAll('%7D', '}')

/** Subresources of core kinds that discovery's rows do not list: the proxies. */
const proxyOptions: Readonly<Record<string, string>> = { pods: 'PodProxyOptions', services: 'ServiceProxyOptions', nodes: 'NodeProxyOptions' }

const below = (parts: Parts, row: Subresource): [string, JsonObject][] => {
  const { kind, context: { descriptions, reference } } = parts
  const inNamespace = kind.namespaced ? [namespaceParameter()] : []
  const path = template(kind, { name: '{name}', subresource: row.name })
  const suffix = pascal(row.name)
  const item = (operations: readonly Operation[], parameters: readonly JsonObject[]): [string, JsonObject][] => [[path, { ...Object.fromEntries(operations.map(rendered)), parameters: [...parameters] }]]
  const options = row.kind !== undefined && isParameterGroup(row.kind) ? row.kind : undefined
  if (options) return item(conversation(parts, { name: row.name, options, methods: ['get', 'post'], tail: false }), [nameParameter(options), ...inNamespace, ...queryParameters(options, descriptions)])
  const shown = [nameParameter(row.kind ?? kind.kind), ...inNamespace, prettyParameter(descriptions)]
  const schema = row.kind === undefined ? reference(kind.schema) : reference(row.kind === 'TokenRequest' ? 'AuthenticationTokenRequest' : row.kind)
  const gvk = row.kind === undefined ? common(parts).gvk : { group: row.group ?? kind.group, version: row.version ?? kind.version, kind: row.kind }
  if (row.name === 'log') {
    const read = objectOperations(parts, ['get'], { schema: { type: 'string' }, of: 'log of the', suffix }).map((each) => ({ ...each, answer: { schema: { type: 'string' }, mediaTypes: ['text/plain', ...objectTypes] } }))
    return item(read, [...shown, ...queryParameters('log', descriptions)])
  }
  if (row.verbs.length === 1 && row.verbs[0] === 'create') {
    const created: Operation = { ...common(parts), gvk, method: 'post', action: 'post', id: idOf(parts, { verb: 'create', suffix }), description: `create ${row.name} of ${article(kind.kind)}`, codes: [200, 201, 202], answer: objects(schema), body: bodyOf(parts, schema) }
    return item([created], [...shown, ...queryParameters('write', descriptions)])
  }
  const operations = objectOperations(parts, row.verbs, { schema, of: `${row.name} of the`, suffix, gvk })
  // A subresource without GET (finalize) has its options with the path.
  return row.verbs.includes('get') ? item(operations, shown) : item(operations.map(({ parameters: _options, ...each }) => each), [...shown, ...queryParameters('write', descriptions)])
}

const proxies = (parts: Parts): [string, JsonObject][] => {
  const { kind, context: { descriptions } } = parts
  const options = kind.group === '' && Object.hasOwn(proxyOptions, kind.plural) ? proxyOptions[kind.plural] as ParameterGroup : undefined
  if (!options) return []
  const path = template(kind, { name: '{name}', subresource: 'proxy' })
  const parameters = [nameParameter(options), ...(kind.namespaced ? [namespaceParameter()] : []), ...queryParameters(options, descriptions)]
  const item = (tail: boolean, more: readonly JsonObject[]): JsonObject => ({ ...Object.fromEntries(conversation(parts, { name: 'proxy', options, methods: connectMethods, tail }).map(rendered)), parameters: [...parameters, ...more] })
  return [[path, item(false, [])], [`${path}/{path}`, item(true, [tailParameter()])]]
}

/** All paths of one kind. */
export const pathsOf = (kind: Kind, context: PathContext): JsonObject => {
  const parts = { kind, context }
  const { descriptions } = context
  const pretty = prettyParameter(descriptions)
  const has = (verb: Verb): boolean => kind.verbs.includes(verb)
  const inNamespace = kind.namespaced ? [namespaceParameter()] : []
  const operations = collection(parts)
  const object = [...objectOperations(parts, kind.verbs, { schema: context.reference(kind.schema) }), ...(has('delete') ? [deletion(parts)] : [])]
  const item = (each: readonly Operation[], parameters: readonly JsonObject[]): JsonObject => ({ ...Object.fromEntries(each.map(rendered)), parameters: [...parameters, pretty] })
  const alone = operations.length === 1 && has('list') && !isWatched(parts) && !has('create')
  return {
    ...(kind.namespaced && has('list') && { [resourcePath(kind)]: item([listing(parts, true)], queryParameters('list', descriptions)) }),
    ...(operations.length > 0 && { [template(kind, {})]: alone
      ? item(operations.map(({ parameters: _options, ...each }) => each), queryParameters('list', descriptions))
      : item(operations, [...inNamespace, ...(isCreatedOnly(kind) ? queryParameters('write', descriptions) : [])]) }),
    ...(has('get') && { [template(kind, { name: '{name}' })]: item(object, [nameParameter(kind.kind), ...inNamespace]) }),
    ...Object.fromEntries([...kind.subresources.flatMap((row) => below(parts, row)), ...proxies(parts), ...(isWatched(parts) && !kind.custom ? watches(parts) : [])]),
  }
}
