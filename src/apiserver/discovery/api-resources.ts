/** Discovery documents as data, made of the resource table. Mirrors apiserver `pkg/endpoints/discovery`. */
import { createHash } from 'node:crypto'
import type { Kind, Subresource } from '../../api/kinds.ts'
import { compareVersions } from '../crd/kube-version.ts'
import { kindOf, type ResourceTable, type Served } from '../resource-table.ts'
import type { ConnectHandler } from '../streaming/connect-handler.ts'

const verbOfMethod: Readonly<Record<string, Subresource['verbs'][number] | 'delete'>> = { GET: 'get', POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }

export interface ShownSubresource {
  name: string
  verbs: readonly string[]
  kind: string
  group: string
  version: string
}

/** The subresources of a kind: those of its row, and the conversations that its row does not list. */
export const subresourcesOf = (kind: Kind, connectHandlers: readonly ConnectHandler[]): ShownSubresource[] => {
  const rows = kind.subresources.map(({ name, verbs, kind: body = kind.kind, group = '', version = '' }) => ({ name, verbs, kind: body, group, version }))
  const others = kind.group !== '' ? [] : connectHandlers.filter((each) => each.resource === kind.plural && !rows.some(({ name }) => name === each.subresource)).map(({ subresource, methods, optionsKind }) =>
    ({ name: subresource, kind: optionsKind ?? kind.kind, group: '', version: '', verbs: [...new Set(methods.flatMap((method) => verbOfMethod[method] ?? []))].sort() }))
  return [...rows, ...others].toSorted((left, right) => (left.name < right.name ? -1 : 1))
}

/** Whether a path may name such a subresource; '' is the object itself. */
export const hasSubresource = (kind: Kind, subresource: string, connectHandlers: readonly ConnectHandler[]): boolean =>
  subresource === '' || kind.subresources.some(({ name }) => name === subresource) || (kind.group === '' && connectHandlers.some((each) => each.resource === kind.plural && each.subresource === subresource))

/** Of the version in which objects are stored: the first bytes of a digest. Mirrors apiserver `pkg/endpoints/discovery/storageversionhash.go`. */
const storageVersionHash = ({ group, version, kind }: Kind): string => createHash('sha256').update(`${group}/${version}/${kind}`).digest().subarray(0, 8).toString('base64')

const apiResources = (kind: Kind, connectHandlers: readonly ConnectHandler[], stored: Kind | undefined): object[] => [
  { name: kind.plural, singularName: kind.singular, namespaced: kind.namespaced, kind: kind.kind, verbs: kind.verbs,
    ...(kind.shortNames.length > 0 && { shortNames: kind.shortNames }), ...(kind.categories.length > 0 && { categories: kind.categories }),
    ...(stored && { storageVersionHash: storageVersionHash(stored) }) },
  ...subresourcesOf(kind, connectHandlers).map(({ name, verbs, kind: body, group, version }) =>
    ({ name: `${kind.plural}/${name}`, singularName: '', namespaced: kind.namespaced, ...(group && { group }), ...(version && group && { version }), kind: body, verbs })),
]

const byPlural = (left: Served, right: Served): number => (kindOf(left).plural < kindOf(right).plural ? -1 : 1)

export interface GroupVersions { group: string; versions: string[] }

/** What is served, with each group's versions, the preferred one first. */
export const groupsOf = (table: ResourceTable): GroupVersions[] => {
  const groups = new Map<string, Set<string>>()
  for (const served of table.all()) {
    const { group, version } = kindOf(served)
    groups.set(group, (groups.get(group) ?? new Set()).add(version))
  }
  return [...groups].map(([group, versions]) => ({ group, versions: [...versions].sort((left, right) => compareVersions(right, left)) }))
}

export const resourceList = (table: ResourceTable, group: string, version: string, connectHandlers: readonly ConnectHandler[]): object | undefined => {
  const resources = table.inVersion(group, version)
  if (resources.length === 0) return undefined
  return { kind: 'APIResourceList', ...(group && { apiVersion: 'v1' }), groupVersion: group ? `${group}/${version}` : version,
    resources: resources.toSorted(byPlural).flatMap((served) => apiResources(kindOf(served), connectHandlers, served.stored?.cache.kind)) }
}

export const apiGroup = ({ group, versions }: GroupVersions): object => {
  const shown = versions.map((version) => ({ groupVersion: `${group}/${version}`, version }))
  return { name: group, versions: shown, preferredVersion: shown[0] }
}

const responseKind = (kind: string, group = '', version = ''): object => ({ group, version, kind })

const discovered = (kind: Kind, connectHandlers: readonly ConnectHandler[]): object => {
  const subresources = subresourcesOf(kind, connectHandlers)
  return {
    resource: kind.plural, responseKind: responseKind(kind.kind), scope: kind.namespaced ? 'Namespaced' : 'Cluster', singularResource: kind.singular, verbs: kind.verbs,
    ...(kind.shortNames.length > 0 && { shortNames: kind.shortNames }), ...(kind.categories.length > 0 && { categories: kind.categories }),
    ...(subresources.length > 0 && { subresources: subresources.map((each) => ({ subresource: each.name, responseKind: responseKind(each.kind, each.group, each.group ? each.version : ''), verbs: each.verbs })) }),
  }
}

/** apidiscovery.k8s.io/v2 APIGroupDiscoveryList of the groups that `include` wants. */
export const groupDiscoveryList = (table: ResourceTable, connectHandlers: readonly ConnectHandler[], include: (group: string) => boolean): object => ({
  kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {},
  items: groupsOf(table).filter(({ group }) => include(group)).map(({ group, versions }) => ({
    metadata: { ...(group && { name: group }), creationTimestamp: null },
    versions: versions.map((version) => ({ version, freshness: 'Current', resources: table.inVersion(group, version).toSorted(byPlural).map((served) => discovered(kindOf(served), connectHandlers)) })),
  })),
})
