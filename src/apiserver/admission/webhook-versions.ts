/** The versions that a request's object can be shown in. Mirrors apimachinery's EquivalentResourceRegistry and apiserver's VersionedAttributes. */
import { apiVersionOf } from '../../api/kinds.ts'
import type { JsonObject, KubeObject } from '../../api/meta.ts'
import { internalError } from '../../api/status.ts'
import type { ResourceTable, StoredResource } from '../resource-table.ts'
import type { KindCache } from '../watch-cache/kind-cache.ts'
import type { AdmissionAttributes } from './plugin.ts'
import type { KindName } from './webhook-review.ts'
import type { ResourceName } from './webhook-match.ts'

export interface Version {
  resource: ResourceName
  /** Of the request's body: of a subresource, maybe another kind's. */
  kind: KindName
  /** The row that converts to and from what is stored; undefined where nothing is to be converted. */
  row: StoredResource | undefined
}

const sameObjects = new WeakMap<ResourceTable, { generation: number; rows: Map<KindCache, StoredResource[]> }>()

/** Rows with the same are forms of the same objects. */
const objectsOf = ({ cache, version }: StoredResource): KindCache => version?.sameObjects ?? cache

const rowsBy = (resources: ResourceTable): Map<KindCache, StoredResource[]> => {
  const known = sameObjects.get(resources)
  if (known?.generation === resources.generation) return known.rows
  const rows = Map.groupBy([...resources.all()].flatMap(({ stored }) => stored ?? []), objectsOf)
  sameObjects.set(resources, { generation: resources.generation, rows })
  return rows
}

const kindNameOf = ({ group, version, kind }: KindName): KindName => ({ group, version, kind })

/** The kind of what a subresource's request carries, where it is not the resource's. */
const bodyKindOf = ({ bodyKind, operation, object }: AdmissionAttributes): KindName | undefined => {
  if (bodyKind) return kindNameOf(bodyKind)
  if (operation !== 'CONNECT') return undefined
  const { apiVersion = '', kind = '' } = object as { apiVersion?: string; kind?: string }
  const [group = '', version = ''] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion]
  return { group, version, kind }
}

const versionOf = (attributes: AdmissionAttributes, row: StoredResource | undefined, kind: KindName & { plural: string }): Version => {
  const body = bodyKindOf(attributes)
  return { resource: { group: kind.group, version: kind.version, resource: kind.plural }, kind: body ?? kindNameOf(kind), row: body ? undefined : row }
}

/** The version that the client speaks, then all others of the same stored objects. */
export const versionsOf = (attributes: AdmissionAttributes, resources: ResourceTable): { own: Version; others: () => Version[] } => {
  const { kind } = attributes
  const row = resources.find(kind.group, kind.version, kind.plural)?.stored
  return {
    own: versionOf(attributes, row, kind),
    others: () => (row ? (rowsBy(resources).get(objectsOf(row)) ?? []).filter((each) => each !== row).map((each) => versionOf(attributes, each, each.kind)) : []),
  }
}

/** The object of a custom resource as one of that version, where the definition's webhook has to be asked for it. Rejects with a StatusError. */
export const convertedTo = async <T extends KubeObject | undefined>({ version, kind }: StoredResource, object: T): Promise<T | KubeObject> => {
  if (!object || !version?.fromAny || object.apiVersion === apiVersionOf(kind)) return object
  try {
    return await version.fromAny(object)
  } catch (error) {
    throw internalError(error as Error)
  }
}

/** What `shownAs` shows, of an object of whatever version. */
export const shownIn = async (version: Version, object: KubeObject | undefined): Promise<JsonObject | undefined> =>
  shownAs(version, version.row ? await convertedTo(version.row, object) : object)

/** Objects of custom resources that a policy or webhook saw in another version are again of the version that they were of. */
export const asBefore = (next: KubeObject, { version }: StoredResource, { apiVersion }: KubeObject): KubeObject => (version && apiVersion !== undefined ? { ...next, apiVersion } : next)

/** The object as that version shows it, with its apiVersion and kind. What only a webhook converts must have been converted. */
export const shownAs = ({ row, kind }: Version, object: KubeObject | undefined): JsonObject | undefined => {
  if (!object) return undefined
  const shown = row?.view ? row.view.toView(object) : object
  const { apiVersion: _apiVersion, kind: _kind, ...rest } = shown as unknown as JsonObject & { metadata?: JsonObject }
  const { metadata } = rest
  // As Go leaves out an empty name, which is still to be generated.
  const unnamed = metadata?.['name'] === '' ? { metadata: Object.fromEntries(Object.entries(metadata).filter(([key]) => key !== 'name')) } : {}
  return { kind: kind.kind, apiVersion: apiVersionOf(kind), ...rest, ...unnamed }
}
