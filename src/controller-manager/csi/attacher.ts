/** Carries out VolumeAttachments by the controller service of a driver. Does what kubernetes-csi/external-attacher does, for drivers that come without one. */
import { timestamp } from '../../api/clock.ts'
import { CSIDrivers, CSINodes, Nodes, PersistentVolumes, VolumeAttachments } from '../../api/kinds.ts'
import { isNotFound } from '../../api/status.ts'
import type { PersistentVolume, VolumeAttachment } from '../../api/types.ts'
import { type Action, update } from '../../client/action.ts'
import { type Reconciler, watching, type World } from '../../client/controller.ts'
import { attachmentsByVolume } from './attachments.ts'
import { capabilityOf, type CsiContext, messageOf, retries, secretTexts, withFinalizer, withoutFinalizer } from './calls.ts'
import { type Site, siteOfVolume } from './controller-service.ts'

/** Upstream's names; characters that finalizers do not have become dashes. */
const finalizerOf = (driver: string): string => `external-attacher/${driver.replaceAll(/[^a-zA-Z0-9-]/g, '-').replace(/-$/, '-X')}`
const leaseOf = (driver: string): string => `external-attacher-leader-${driver.replaceAll('/', '-')}`

const patchStatus = ({ metadata: { name } }: VolumeAttachment, status: object): Action => ({ do: 'patch', kind: VolumeAttachments, at: { name }, patch: { type: 'merge', body: { status } as never }, subresource: 'status', tolerate: isNotFound })

interface Task { attachment: VolumeAttachment; volume: PersistentVolume; site: Site; finalizer: string }

export const csiAttacher = ({ client, service }: CsiContext): Reconciler => {
  const turns = retries()

  const taskOf = (name: string, world: World): Task | undefined => {
    const attachment = world.get(VolumeAttachments, name)
    const volume = attachment && world.get(PersistentVolumes, attachment.spec.source?.persistentVolumeName ?? '')
    const driver = attachment?.spec.attacher
    if (!attachment || !driver || volume?.spec.csi?.driver !== driver) return undefined
    const site = siteOfVolume(driver, volume, world)
    return site && { attachment, volume, site, finalizer: finalizerOf(driver) }
  }

  const attach = async ({ attachment, volume, site, finalizer }: Task, world: World): Promise<Action[]> => {
    if (attachment.status?.attached) return []
    const { csi } = volume.spec
    // A driver that attaches nothing has everything attached.
    if (!site.capabilities.includes('PUBLISH_UNPUBLISH_VOLUME')) return [patchStatus(attachment, { attached: true, attachError: null })]
    // What is attached is known to be before it is.
    const marks = [
      ...(volume.metadata.finalizers?.includes(finalizer) ? [] : [update(PersistentVolumes, withFinalizer(volume, finalizer))]),
      ...(attachment.metadata.finalizers?.includes(finalizer) ? [] : [update(VolumeAttachments, withFinalizer(attachment, finalizer))]),
    ]
    if (marks.length > 0) return marks
    const nodeId = world.get(CSINodes, attachment.spec.nodeName ?? '')?.spec.drivers?.find(({ name }) => name === site.driver)?.nodeID
    try {
      if (nodeId === undefined) throw new Error(`CSINode ${attachment.spec.nodeName ?? ''} does not contain driver ${site.driver}`)
      const { publish_context: context } = await service.call<{ publish_context: Record<string, string> }>(site, 'ControllerPublishVolume', {
        volume_id: csi?.volumeHandle ?? '', node_id: nodeId, volume_capability: capabilityOf(volume, site), readonly: false, volume_context: csi?.volumeAttributes ?? {}, secrets: await secretTexts(client, csi?.controllerPublishSecretRef),
      })
      turns.worked(attachment.metadata.name)
      return [patchStatus(attachment, { attached: true, attachError: null, ...(Object.keys(context).length > 0 && { attachmentMetadata: context }) })]
    } catch (error) {
      return [patchStatus(attachment, { attachError: { message: messageOf(error), time: timestamp(world.now) } }), turns.failed(attachment.metadata.name)]
    }
  }

  const release = ({ attachment, volume, finalizer }: Task, world: World): Action[] => {
    const others = world.byIndex(VolumeAttachments, attachmentsByVolume, volume.metadata.name).some(({ metadata }) => metadata.name !== attachment.metadata.name)
    const free = (): Action[] => (others || !volume.metadata.finalizers?.includes(finalizer) ? [] : [update(PersistentVolumes, withoutFinalizer(volume, finalizer))])
    return [...free(), update(VolumeAttachments, withoutFinalizer(attachment, finalizer), { tolerate: isNotFound })]
  }

  const detach = async (task: Task, world: World): Promise<Action[]> => {
    const { attachment, volume, site, finalizer } = task
    if (!attachment.metadata.finalizers?.includes(finalizer)) return []
    const { csi } = volume.spec
    const nodeId = world.get(CSINodes, attachment.spec.nodeName ?? '')?.spec.drivers?.find(({ name }) => name === site.driver)?.nodeID
      ?? (JSON.parse(world.get(Nodes, attachment.spec.nodeName ?? '')?.metadata.annotations?.['csi.volume.kubernetes.io/nodeid'] ?? '{}') as Record<string, string>)[site.driver]
    try {
      await service.call(site, 'ControllerUnpublishVolume', { volume_id: csi?.volumeHandle ?? '', node_id: nodeId ?? attachment.spec.nodeName ?? '', secrets: await secretTexts(client, csi?.controllerPublishSecretRef) })
      turns.worked(attachment.metadata.name)
      return release(task, world)
    } catch (error) {
      return [patchStatus(attachment, { detachError: { message: messageOf(error), time: timestamp(world.now) } }), turns.failed(attachment.metadata.name)]
    }
  }

  return {
    name: 'external-attacher',
    watches: [
      watching(VolumeAttachments, ({ metadata }) => [metadata.name]),
      watching(PersistentVolumes, ({ metadata }, world) => world.byIndex(VolumeAttachments, attachmentsByVolume, metadata.name).map((each) => each.metadata.name), { matters: (volume) => volume?.spec.csi !== undefined }),
      watching(CSINodes, (_, world) => world.list(VolumeAttachments).filter(({ metadata, status }) => metadata.deletionTimestamp !== undefined || !status?.attached).map(({ metadata }) => metadata.name)),
    ],
    reads: [Nodes, CSIDrivers],
    async plan(name, world) {
      const task = taskOf(name, world)
      if (!task || await service.isTaken(leaseOf(task.site.driver), world.now)) return []
      return task.attachment.metadata.deletionTimestamp === undefined ? attach(task, world) : detach(task, world)
    },
  }
}
