/** Gives volumes the attributes of another VolumeAttributesClass when their claims ask for it. Does what kubernetes-csi/external-resizer's pkg/modifycontroller does, for drivers that come without one. */
import { timestamp } from '../../api/clock.ts'
import { CSIDrivers, CSINodes, Nodes, PersistentVolumeClaims, PersistentVolumes, VolumeAttributesClasses } from '../../api/kinds.ts'
import { keyOf } from '../../api/meta.ts'
import type { PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimCondition } from '../../api/types.ts'
import { type Action, event } from '../../client/action.ts'
import { type Reconciler, watching, type World } from '../../client/controller.ts'
import { type CsiContext, messageOf, retries } from './calls.ts'
import { CallError, type Site, siteOfVolume } from './controller-service.ts'
import { leaseOf } from './resizer.ts'

/** A volume on its way to another class, or back to the one that it has. */
export interface Modification { claim: PersistentVolumeClaim; volume: PersistentVolume; site: Site; target: string }

/** Undefined: the volume is as its claim wants it, or somebody else's. */
export const modificationOf = (key: string, world: World): Modification | undefined => {
  const claim = world.get(PersistentVolumeClaims, key)
  const volume = claim && world.get(PersistentVolumes, claim.spec.volumeName ?? '')
  if (!claim || claim.metadata.deletionTimestamp !== undefined || claim.status?.phase !== 'Bound' || !volume?.spec.csi || volume.spec.claimRef?.uid !== claim.metadata.uid) return undefined
  const target = claim.spec.volumeAttributesClassName ?? ''
  const { currentVolumeAttributesClassName: current = '', modifyVolumeStatus: underway } = claim.status
  if (target === current && !underway) return undefined
  const site = siteOfVolume(volume.spec.csi.driver, volume, world)
  return site?.capabilities.includes('MODIFY_VOLUME') ? { claim, volume, site, target } : undefined
}

const [modifying, modifyError] = ['ModifyingVolume', 'ModifyVolumeError']
const conditions = ({ status }: PersistentVolumeClaim, ...own: PersistentVolumeClaimCondition[]): PersistentVolumeClaimCondition[] => [...(status.conditions ?? []).filter(({ type }) => !own.some((each) => each.type === type)), ...own]
const unrelated = ({ status }: PersistentVolumeClaim): PersistentVolumeClaimCondition[] => (status.conditions ?? []).filter(({ type }) => type !== modifying && type !== modifyError)
const condition = (type: string, now: Date, message: string): PersistentVolumeClaimCondition => ({ type, status: 'True', lastTransitionTime: timestamp(now), message })

const tell = (claim: PersistentVolumeClaim, type: 'Normal' | 'Warning', reason: string, message: string): Action => event(PersistentVolumeClaims, claim, { type, reason, message })
const patchStatus = ({ metadata }: PersistentVolumeClaim, status: object, then?: () => Action[]): Action => ({
  do: 'patch', kind: PersistentVolumeClaims, at: { namespace: metadata.namespace, name: metadata.name }, patch: { type: 'merge', body: { status } as never }, subresource: 'status', ...(then && { then }),
})

/** The volume first: a claim that says so is right. */
const completed = ({ claim, volume, target }: Modification, then: () => Action[] = () => []): Action[] => {
  const claimed = (): Action[] => [patchStatus(claim, { ...(target !== '' && { currentVolumeAttributesClassName: target }), modifyVolumeStatus: null, conditions: unrelated(claim) }, then)]
  if (target === '' || volume.spec.volumeAttributesClassName === target) return claimed()
  return [{ do: 'patch', kind: PersistentVolumes, at: { name: volume.metadata.name }, patch: { type: 'merge', body: { spec: { volumeAttributesClassName: target } } as never }, then: claimed }]
}

export const csiModifier = ({ service }: Pick<CsiContext, 'service'>): Reconciler => {
  const turns = retries()

  const failed = (key: string, { claim, target }: Modification, { error, now }: { error: unknown; now: Date }): Action[] => {
    const infeasible = error instanceof CallError && error.code === 'InvalidArgument'
    const why = messageOf(error)
    const said = [condition(modifyError, now, `ModifyVolume failed with error: ${why}. Waiting for retry.`), ...(infeasible ? [condition(modifying, now, `ModifyVolume failed with error${why}. Waiting for retry.`)] : [])]
    return [patchStatus(claim, { conditions: conditions(claim, ...said), ...(infeasible && { modifyVolumeStatus: { targetVolumeAttributesClassName: target, status: 'Infeasible' } }) }), tell(claim, 'Warning', 'VolumeModifyFailed', why), turns.failed(key)]
  }

  /** A class that is not there, or another driver's. */
  const pending = ({ claim, target }: Modification, why: string): Action[] => {
    const { modifyVolumeStatus: before } = claim.status
    const known = before?.status === 'Pending' && before.targetVolumeAttributesClassName === target
    return known ? [] : [tell(claim, 'Warning', 'VolumeModifyFailed', why), patchStatus(claim, { modifyVolumeStatus: { targetVolumeAttributesClassName: target, status: 'Pending' } })]
  }

  const modify = async (key: string, modification: Modification, world: World): Promise<Action[]> => {
    const { claim, volume, site, target } = modification
    const { currentVolumeAttributesClassName: current = '', modifyVolumeStatus: underway } = claim.status
    // What the driver has refused, or was never asked, needs no way back.
    if (target === current && underway?.status !== 'InProgress') return completed(modification)
    const wanted = world.get(VolumeAttributesClasses, target)
    if (!wanted) return pending(modification, `VAC ${target} does not exist.`)
    if (wanted.driverName !== site.driver) return pending(modification, `VAC ${target} is for driver ${wanted.driverName} which does not match driver name ${site.driver}`)
    // What is asked for is known before it is.
    if (underway?.targetVolumeAttributesClassName !== target || underway.status === 'Pending') {
      return [patchStatus(claim, { modifyVolumeStatus: { targetVolumeAttributesClassName: target, status: 'InProgress' }, conditions: conditions(claim, condition(modifying, world.now, 'ModifyVolume operation in progress.')) }),
        tell(claim, 'Normal', 'VolumeModify', `external resizer is modifying volume ${claim.metadata.name} with vac ${target}`)]
    }
    try {
      await service.call(site, 'ControllerModifyVolume', { volume_id: volume.spec.csi?.volumeHandle ?? '', secrets: {}, mutable_parameters: wanted.parameters ?? {} })
      turns.worked(key)
      return completed(modification, () => [tell(claim, 'Normal', 'VolumeModifySuccessful', `external resizer modified volume ${claim.metadata.name} with vac ${target} successfully `)])
    } catch (error) {
      return failed(key, modification, { error, now: world.now })
    }
  }

  const waiting = (world: World): string[] => world.list(PersistentVolumeClaims).map(keyOf).filter((key) => modificationOf(key, world) !== undefined)
  return {
    name: 'volumemodify-controller',
    watches: [
      watching(PersistentVolumeClaims, (claim) => [keyOf(claim)], { matters: (claim) => claim?.spec.volumeAttributesClassName !== undefined || claim?.status?.modifyVolumeStatus !== undefined }),
      watching(VolumeAttributesClasses, (_, world) => waiting(world)),
      watching(CSINodes, (_, world) => waiting(world)),
    ],
    reads: [PersistentVolumes, Nodes, CSIDrivers],
    async plan(key, world) {
      const modification = modificationOf(key, world)
      return !modification || await service.isTaken(leaseOf(modification.site.driver), world.now) ? [] : modify(key, modification, world)
    },
  }
}
