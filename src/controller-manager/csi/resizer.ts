/** Grows volumes by the controller service of a driver when their claims ask for more. Does what kubernetes-csi/external-resizer does, for drivers that come without one; the node's part is the kubelet's. */
import { timestamp } from '../../api/clock.ts'
import { CSIDrivers, CSINodes, Nodes, PersistentVolumeClaims, PersistentVolumes } from '../../api/kinds.ts'
import { keyOf } from '../../api/meta.ts'
import { compareQuantities, formatQuantity, quantityOf, toWhole } from '../../api/quantity.ts'
import type { PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimCondition } from '../../api/types.ts'
import { type Action, event } from '../../client/action.ts'
import { type Reconciler, watching, type World } from '../../client/controller.ts'
import { capabilityOf, type CsiContext, messageOf, retries, secretTexts } from './calls.ts'
import { type Site, siteOfVolume } from './controller-service.ts'

export const leaseOf = (driver: string): string => `external-resizer-${driver.replaceAll('/', '-')}`

export interface Growth { claim: PersistentVolumeClaim; volume: PersistentVolume; site: Site; wanted: string }

/** Undefined: the volume is as large as is asked for, or somebody else's. */
export const growthOf = (key: string, world: World): Growth | undefined => {
  const claim = world.get(PersistentVolumeClaims, key)
  const volume = claim && world.get(PersistentVolumes, claim.spec.volumeName ?? '')
  if (!claim || claim.metadata.deletionTimestamp !== undefined || claim.status?.phase !== 'Bound' || !volume?.spec.csi || volume.spec.claimRef?.uid !== claim.metadata.uid) return undefined
  const wanted = claim.spec.resources?.requests?.['storage'] ?? '0'
  if (compareQuantities(wanted, claim.status.capacity?.['storage'] ?? '0') <= 0 || compareQuantities(wanted, volume.spec.capacity?.['storage'] ?? '0') <= 0) return undefined
  const site = siteOfVolume(volume.spec.csi.driver, volume, world)
  return site && { claim, volume, site, wanted }
}

const condition = (type: string, now: Date, message?: string): PersistentVolumeClaimCondition => ({ type, status: 'True', lastTransitionTime: timestamp(now), ...(message !== undefined && { message }) })

const tell = (claim: PersistentVolumeClaim, type: 'Normal' | 'Warning', reason: string, message: string): Action => event(PersistentVolumeClaims, claim, { type, reason, message })

const patchStatus = ({ metadata }: PersistentVolumeClaim, status: object, then?: () => Action[]): Action => ({
  do: 'patch', kind: PersistentVolumeClaims, at: { namespace: metadata.namespace, name: metadata.name }, patch: { type: 'merge', body: { status } as never }, subresource: 'status', ...(then && { then }),
})

const others = ({ status }: PersistentVolumeClaim): PersistentVolumeClaimCondition[] => (status?.conditions ?? []).filter(({ type }) => !['Resizing', 'FileSystemResizePending', 'ControllerResizeError'].includes(type))

/** What is written once the volume has grown: it first, so that a kubelet that sees the claim knows how large it is to be. */
export const afterGrowth = ({ claim, volume, wanted }: Growth, { capacity, nodeExpansion }: { capacity: string; nodeExpansion: boolean }, now: Date): Action[] => {
  const claimed = (): Action[] => (nodeExpansion
    ? [patchStatus(claim, { allocatedResources: { storage: wanted }, allocatedResourceStatuses: { storage: 'NodeResizePending' }, conditions: [...others(claim), condition('FileSystemResizePending', now, 'Waiting for user to (re-)start a pod to finish file system resize of volume on node.')] }),
      tell(claim, 'Normal', 'FileSystemResizeRequired', 'Require file system resize of volume on node')]
    : [patchStatus(claim, { capacity: { storage: capacity }, allocatedResources: { storage: wanted }, allocatedResourceStatuses: null, conditions: others(claim) }), tell(claim, 'Normal', 'VolumeResizeSuccessful', 'Resize volume succeeded')])
  return [{ do: 'patch', kind: PersistentVolumes, at: { name: volume.metadata.name }, patch: { type: 'merge', body: { spec: { capacity: { storage: capacity } } } }, then: claimed }]
}

export const csiResizer = ({ client, service }: CsiContext): Reconciler => {
  const turns = retries()
  const grow = async (key: string, growth: Growth, world: World): Promise<Action[]> => {
    const { claim, volume, site, wanted } = growth
    const { csi } = volume.spec
    // A driver that grows only on nodes is told there.
    if (!site.capabilities.includes('EXPAND_VOLUME')) return afterGrowth(growth, { capacity: wanted, nodeExpansion: true }, world.now)
    if (!claim.status?.conditions?.some(({ type }) => type === 'Resizing')) {
      return [patchStatus(claim, { conditions: [...others(claim), condition('Resizing', world.now)], allocatedResources: { storage: wanted }, allocatedResourceStatuses: { storage: 'ControllerResizeInProgress' } }),
        tell(claim, 'Normal', 'Resizing', `External resizer is resizing volume ${volume.metadata.name}`)]
    }
    try {
      const answer = await service.call<{ capacity_bytes: string; node_expansion_required: boolean }>(site, 'ControllerExpandVolume', {
        volume_id: csi?.volumeHandle ?? '', capacity_range: { required_bytes: String(toWhole(wanted)) }, secrets: await secretTexts(client, csi?.controllerExpandSecretRef), volume_capability: capabilityOf(volume, site),
      })
      turns.worked(key)
      const delivered = BigInt(answer.capacity_bytes)
      return afterGrowth(growth, { capacity: delivered > 0n ? formatQuantity(quantityOf(delivered, 'BinarySI')) : wanted, nodeExpansion: answer.node_expansion_required }, world.now)
    } catch (error) {
      return [tell(claim, 'Warning', 'VolumeResizeFailed', `resize volume ${JSON.stringify(volume.metadata.name)} by resizer ${JSON.stringify(site.driver)} failed: ${messageOf(error)}`), turns.failed(key)]
    }
  }
  return {
    name: 'external-resizer',
    watches: [
      watching(PersistentVolumeClaims, (claim) => [keyOf(claim)], { matters: (claim) => claim?.spec.volumeName !== undefined }),
      watching(CSINodes, (_, world) => world.list(PersistentVolumeClaims).map(keyOf).filter((key) => growthOf(key, world) !== undefined)),
    ],
    reads: [PersistentVolumes, Nodes, CSIDrivers],
    async plan(key, world) {
      const growth = growthOf(key, world)
      return !growth || await service.isTaken(leaseOf(growth.site.driver), world.now) ? [] : grow(key, growth, world)
    },
  }
}
