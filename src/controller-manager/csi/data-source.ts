/** What a new volume is filled from: another volume of the driver, or a snapshot. Mirrors getVolumeContentSource of kubernetes-csi/external-provisioner's pkg/controller/controller.go. */
import { PersistentVolumeClaims, PersistentVolumes } from '../../api/kinds.ts'
import { toWhole } from '../../api/quantity.ts'
import type { PersistentVolumeClaim, TypedLocalObjectReference } from '../../api/types.ts'
import type { Client } from '../../client/client.ts'
import type { World } from '../../client/controller.ts'
import { snapshotGroup, VolumeSnapshotContents, VolumeSnapshots } from './snapshot-kinds.ts'

/** csi.v1.VolumeContentSource. */
export type ContentSource = { volume: { volume_id: string } } | { snapshot: { snapshot_id: string } }

/** Of a claim on its way: `elsewhere` is what somebody else's populator fills. */
export type DataSource = { from: 'volume' | 'snapshot'; name: string } | { from: 'elsewhere' }

/** Undefined: it begins empty. The API server has made both of the claim's fields say the same. */
export const dataSourceOf = ({ spec }: PersistentVolumeClaim): DataSource | undefined => {
  const source: Pick<TypedLocalObjectReference, 'apiGroup' | 'kind' | 'name'> | undefined = spec.dataSource ?? spec.dataSourceRef
  if (!source) return undefined
  const group = source.apiGroup ?? ''
  if (source.kind === 'PersistentVolumeClaim' && group === '') return { from: 'volume', name: source.name }
  return source.kind === 'VolumeSnapshot' && group === snapshotGroup ? { from: 'snapshot', name: source.name } : { from: 'elsewhere' }
}

const kindNames = { volume: 'PersistentVolumeClaim', snapshot: 'VolumeSnapshot' } as const
const requested = ({ spec }: PersistentVolumeClaim): bigint => toWhole(spec.resources?.requests?.['storage'] ?? '0')
const modeOf = ({ volumeMode }: { volumeMode?: string | undefined }): string => volumeMode ?? 'Filesystem'
const notBound = (): Error => new Error('claim in dataSource not bound or invalid')

/** The claim whose volume is copied. Throws when there is none that could be. */
export const sourceClaim = (claim: PersistentVolumeClaim, name: string, world: World): PersistentVolumeClaim => {
  const source = world.get(PersistentVolumeClaims, `${claim.metadata.namespace ?? ''}/${name}`)
  if (!source) throw new Error(`error getting PVC ${name} (namespace ${JSON.stringify(claim.metadata.namespace)}) from api server: persistentvolumeclaim ${JSON.stringify(name)} not found`)
  if (source.status?.phase !== 'Bound') throw new Error(`the PVC DataSource ${name} must have a status of Bound.  Got ${source.status?.phase ?? ''}`)
  if (source.metadata.deletionTimestamp !== undefined) throw new Error(`the PVC DataSource ${name} is currently being deleted`)
  if (source.spec.storageClassName === undefined) throw new Error(`the source PVC (${name}) storageclass cannot be empty`)
  return source
}

const volumeSource = (claim: PersistentVolumeClaim, name: string, { driver, world }: { driver: string; world: World }): ContentSource => {
  const source = sourceClaim(claim, name, world)
  if (requested(claim) < requested(source)) throw new Error(`error, new PVC request must be greater than or equal in size to the specified PVC data source, requested ${requested(claim)} but source is ${requested(source)}`)
  const volume = world.get(PersistentVolumes, source.spec.volumeName ?? '')
  if (volume?.spec.csi?.driver !== driver || volume.spec.claimRef?.uid !== source.metadata.uid || volume.status.phase !== 'Bound') throw notBound()
  const [is, wanted] = [modeOf(volume.spec), modeOf(claim.spec)]
  if (is !== wanted) throw new Error(`the source PVC and destination PVCs must have the same volume mode for cloning.  Source is ${is}, but new PVC requested ${wanted}`)
  return { volume: { volume_id: volume.spec.csi.volumeHandle } }
}

const modeChange = 'snapshot.storage.kubernetes.io/allow-volume-mode-change'

const snapshotSource = async (claim: PersistentVolumeClaim, name: string, { driver, client }: { driver: string; client: Client }): Promise<ContentSource> => {
  const { namespace } = claim.metadata
  const snapshot = await client.get(VolumeSnapshots, { namespace, name }).catch((error: Error) => { throw new Error(`error getting snapshot ${name} from api server: ${error.message}`, { cause: error }) })
  if (snapshot.metadata.deletionTimestamp !== undefined) throw new Error(`snapshot ${name} is being deleted`)
  const bound = snapshot.status?.boundVolumeSnapshotContentName
  const content = bound === undefined ? undefined : await client.get(VolumeSnapshotContents, { name: bound }).catch(() => undefined) // not bound, upstream says as well
  const ref = content?.spec.volumeSnapshotRef
  if (!content || ref?.uid !== snapshot.metadata.uid || ref?.namespace !== namespace || ref?.name !== name || content.spec.driver !== driver) throw new Error(`snapshot ${name} is not bound`)
  if (!snapshot.status?.readyToUse) throw new Error(`snapshot ${name} is not Ready`)
  if (!content.status?.snapshotHandle) throw new Error(`snapshot handle ${name} is not available`)
  const { restoreSize } = snapshot.status
  if (restoreSize !== undefined && requested(claim) < toWhole(restoreSize)) throw new Error(`requested volume size ${requested(claim)} is less than the size ${toWhole(restoreSize)} for the source snapshot ${name}`)
  const was = content.spec.sourceVolumeMode
  if (was !== undefined && was !== modeOf(claim.spec) && content.metadata.annotations?.[modeChange] !== 'true') {
    throw new Error(`requested volume ${namespace ?? ''}/${claim.metadata.name} modifies the mode of the source volume but does not have permission to do so. ${modeChange} annotation is not present on snapshotcontent ${content.metadata.name}`)
  }
  return { snapshot: { snapshot_id: content.status.snapshotHandle } }
}

/** Throws, in upstream's words, why it cannot be filled from there now. */
export const contentSource = async (claim: PersistentVolumeClaim, source: Exclude<DataSource, { from: 'elsewhere' }>, context: { driver: string; client: Client; world: World }): Promise<ContentSource> => {
  try {
    return source.from === 'volume' ? volumeSource(claim, source.name, context) : await snapshotSource(claim, source.name, context)
  } catch (error) {
    throw new Error(`error getting handle for DataSource Type ${kindNames[source.from]} by Name ${source.name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}
