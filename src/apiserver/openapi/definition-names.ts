/** OpenAPI names of types: `io.k8s.api.apps.v1.DeploymentSpec`. A type belongs to the group whose kinds reach it, to core if core's do, to meta/v1 if it is metadata. Pure. */
import { typeSchema, type FieldType } from '../../api/schema.ts'

/** apimachinery's own types, wherever they are used. */
const metaTypes = new Set(['ObjectMeta', 'ListMeta', 'ManagedFieldsEntry', 'OwnerReference', 'LabelSelector', 'LabelSelectorRequirement', 'FieldSelectorRequirement', 'Status', 'StatusDetails', 'StatusCause',
  'DeleteOptions', 'Preconditions', 'Condition', 'APIGroup', 'APIGroupList', 'APIResource', 'APIResourceList', 'APIVersions', 'ShardInfo', 'GroupVersionForDiscovery', 'ServerAddressByClientCIDR', 'WatchEvent'])

const metaPackage = 'io.k8s.apimachinery.pkg.apis.meta.v1'

/** Kinds of servers that upstream links together have packages of their own. */
const otherPackages: Readonly<Record<string, string>> = {
  'apiextensions.k8s.io': 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions', 'apiregistration.k8s.io': 'io.k8s.kube-aggregator.pkg.apis.apiregistration',
}

/** `apps` → `io.k8s.api.apps.v1`, `rbac.authorization.k8s.io` → `io.k8s.api.rbac.v1`, '' → core. */
const packageOf = (group: string, version: string): string => Object.hasOwn(otherPackages, group) ? `${otherPackages[group] ?? ''}.${version}` : `io.k8s.api.${group === '' ? 'core' : (group.split('.')[0] ?? '')}.${version}`

/** Names of the types that a type refers to. */
export const referencesOf = (type: FieldType): readonly string[] =>
  (type.kind === 'ref' ? [type.name] : type.kind === 'array' ? referencesOf(type.items) : type.kind === 'map' ? referencesOf(type.values) : [])

/** Every type that `roots` reach, themselves included. */
export const reachable = (roots: readonly string[]): Set<string> => {
  const seen = new Set<string>()
  const visit = (name: string): void => {
    if (seen.has(name)) return
    seen.add(name)
    for (const field of typeSchema(name).fields.values()) referencesOf(field.type).forEach(visit)
  }
  roots.forEach(visit)
  return seen
}

/** Core's types that other groups use, whether core's own kinds that have them are served or not. */
const coreRoots: readonly RootType[] = ['PodTemplateSpec', 'PersistentVolumeClaim', 'PersistentVolume', 'ObjectReference', 'TypedLocalObjectReference', 'NodeSelector', 'Toleration', 'TopologySelectorTerm'].map((schema) => ({ group: '', version: 'v1', schema }))

/** Bodies of requests to every resource, and answers of every group version. */
export const everywhere = ['DeleteOptions', 'Status', 'WatchEvent', 'APIResourceList'] as const

export interface RootType { group: string; version: string; schema: string }

/** The name of every type that the roots reach. */
export const definitionNames = (roots: readonly RootType[]): ReadonlyMap<string, string> => {
  const names = new Map<string, string>()
  const name = (type: string, package_: string): void => { if (!names.has(type)) names.set(type, `${metaTypes.has(type) ? metaPackage : package_}.${typeSchema(type).goName}`) }
  // A kind is of its own group, whoever else refers to it; then what core's kinds reach is core's; then what the others reach is theirs.
  for (const { group, version, schema } of roots) name(schema, packageOf(group, version))
  for (const type of reachable([...everywhere, 'APIGroupList', 'APIVersions'])) name(type, metaPackage)
  for (const root of [...coreRoots, ...[...roots].sort((a, b) => Number(a.group !== '') - Number(b.group !== ''))]) {
    for (const type of reachable([root.schema])) name(type, packageOf(root.group, root.version))
  }
  return names
}
