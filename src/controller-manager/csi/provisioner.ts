/** Volumes on demand from the controller service of a driver, and their end. Does what kubernetes-csi/external-provisioner does, for drivers that come without one. */
import { volumeCapability } from '../../api/csi-capability.ts'
import { CSIDrivers, CSINodes, Nodes, PersistentVolumeClaims, PersistentVolumes, StorageClasses, VolumeAttachments, VolumeAttributesClasses } from '../../api/kinds.ts'
import { type Draft, keyOf } from '../../api/meta.ts'
import { formatQuantity, quantityOf, toWhole } from '../../api/quantity.ts'
import { isAlreadyExists } from '../../api/status.ts'
import type { NodeSelectorTerm, PersistentVolume, PersistentVolumeClaim, StorageClass } from '../../api/types.ts'
import { type Action, create, event, update } from '../../client/action.ts'
import { type Reconciler, watching, type World } from '../../client/controller.ts'
import { isDoomed, planEnd, planReclaimFinalizer, reclaimFinalizer } from '../storage-protection/reclaim-finalizer.ts'
import { classOf, isFor, provisionedBy, selectedNode, waitsForConsumer } from '../volume-binding/volume.ts'
import { type CsiContext, messageOf, retries, secretTexts, tellsApart, withFinalizer } from './calls.ts'
import { type ClassParameters, classParameters } from './class-parameters.ts'
import { cloneFinalizer } from './clone-protection.ts'
import { CallError, segmentsOf, type Site, siteOfVolume, sitesOf } from './controller-service.ts'
import { type ContentSource, contentSource, type DataSource, dataSourceOf, sourceClaim } from './data-source.ts'

const handedOver = 'volume.kubernetes.io/storage-provisioner'
const deletionSecret = { name: 'volume.kubernetes.io/provisioner-deletion-secret-name', namespace: 'volume.kubernetes.io/provisioner-deletion-secret-namespace' }

interface Topology { segments: Record<string, string> }
interface CreatedVolume { volume: { capacity_bytes: string; volume_id: string; volume_context: Record<string, string>; accessible_topology: Topology[]; content_source?: object | null } }

/** Upstream's name of the sidecar's lease. */
const leaseOf = (driver: string): string => driver.replaceAll('/', '-')
export const volumeNameOf = ({ metadata }: PersistentVolumeClaim): string => `pvc-${metadata.uid}`

/** A claim that is to get a volume of a driver now, and where that can be asked for. */
export interface Wish { claim: PersistentVolumeClaim; storageClass: StorageClass; site: Site; selected: string | undefined; topology: { requisite: Topology[]; preferred: Topology[] } | undefined }

/** Undefined: nothing to do (yet). */
export const wishOf = (key: string, world: World): Wish | undefined => {
  const claim = world.get(PersistentVolumeClaims, key)
  const driver = claim?.metadata.annotations?.[handedOver]
  if (!claim || driver === undefined || claim.metadata.deletionTimestamp !== undefined || claim.spec.volumeName) return undefined
  const storageClass = world.get(StorageClasses, classOf(claim))
  const present = world.get(PersistentVolumes, volumeNameOf(claim))
  if (storageClass?.provisioner !== driver || (present && isFor(present, claim))) return undefined
  const selected = claim.metadata.annotations?.[selectedNode]
  if (selected === undefined && waitsForConsumer(storageClass)) return undefined
  const sites = sitesOf(driver, world).filter(({ capabilities }) => capabilities.includes('CREATE_DELETE_VOLUME'))
  const source = dataSourceOf(claim)
  const original = source?.from === 'volume' ? world.get(PersistentVolumes, world.get(PersistentVolumeClaims, `${claim.metadata.namespace ?? ''}/${source.name}`)?.spec.volumeName ?? '') : undefined
  const site = sites.find(({ node }) => node === selected) ?? (original && siteOfVolume(driver, original, world)) ?? sites[0]
  return site && { claim, storageClass, site, selected, topology: topologyOf(storageClass, { site, sites, selected }, world) }
}

const matchesClass = ({ allowedTopologies = [] }: StorageClass, { segments }: Topology): boolean => allowedTopologies.length === 0
  || allowedTopologies.some(({ matchLabelExpressions = [] }) => matchLabelExpressions.every(({ key, values }) => values.includes(segments[key] ?? '')))

/** Where the volume may be, that is wherever the driver has a node, the chosen one first; only near the controller that makes it where each node has one of its own. */
const topologyOf = (storageClass: StorageClass, { site, sites, selected }: { site: Site; sites: readonly Site[]; selected: string | undefined }, world: World): Wish['topology'] => {
  if (!site.capabilities.includes('VOLUME_ACCESSIBILITY_CONSTRAINTS')) return undefined
  const nodes = sites.length > 1 ? [site.node] : [...(selected === undefined ? [] : [selected]), ...world.list(CSINodes).map(({ metadata }) => metadata.name).filter((name) => name !== selected).sort()]
  const seen = new Map<string, Topology>()
  for (const node of nodes) {
    const segments = segmentsOf(site.driver, node, world)
    if (segments && matchesClass(storageClass, { segments })) seen.set(JSON.stringify(segments), { segments })
  }
  const all = [...seen.values()]
  return all.length > 0 ? { requisite: all, preferred: all } : undefined
}

/** What a claim asks for and the driver cannot give. Mirrors checkDriverCapabilities. */
const refusalOf = ({ claim, site: { capabilities } }: Wish, source: DataSource | undefined): string | undefined => {
  const lacks = (what: string, capability: string): string | undefined => (capabilities.includes(capability) ? undefined : `CSI driver does not support ${what}: controller ${capability} capability is not reported`)
  return (source?.from === 'snapshot' ? lacks('snapshot restore', 'CREATE_DELETE_SNAPSHOT') : undefined)
    ?? (source?.from === 'volume' ? lacks('clone operations', 'CLONE_VOLUME') : undefined)
    ?? (claim.spec.volumeAttributesClassName ? lacks('VolumeAttributesClass', 'MODIFY_VOLUME') : undefined)
    ?? (claim.spec.selector ? 'claim Selector is not supported' : undefined)
}

/** What the claim's class of attributes says to the driver. Throws when there is none such. */
const mutableParameters = ({ claim, site }: Wish, world: World): Record<string, string> | undefined => {
  const name = claim.spec.volumeAttributesClassName
  if (!name) return undefined
  const found = world.get(VolumeAttributesClasses, name)
  if (!found) throw new Error(`volumeattributesclasses.storage.k8s.io ${JSON.stringify(name)} not found`)
  if (found.driverName !== site.driver) throw new Error(`VAC ${name} referenced in PVC is for driver ${found.driverName} which does not match driver name ${site.driver}`)
  return found.parameters ?? {}
}

/** What goes into a request beside what the class says. */
interface Filling { secrets: Readonly<Record<string, string>>; content?: ContentSource | undefined; mutable?: Record<string, string> | undefined }

export const createRequest = ({ claim, storageClass, site, topology }: Wish, { parameters, fsType }: ClassParameters, { secrets, content, mutable }: Filling): object => {
  const { accessModes = [], volumeMode, resources } = claim.spec
  return {
    name: volumeNameOf(claim), capacity_range: { required_bytes: String(toWhole(resources?.requests?.['storage'] ?? '0')) }, parameters, secrets,
    volume_capabilities: accessModes.map((mode) => volumeCapability({ accessModes: [mode], block: volumeMode === 'Block', fsType, mountOptions: storageClass.mountOptions ?? [] }, { tellsApart: tellsApart(site) })),
    ...(content && { volume_content_source: content }), ...(topology && { accessibility_requirements: topology }), ...(mutable && { mutable_parameters: mutable }),
  }
}

/** Why what the driver made is not what was asked for. */
const flawOf = ({ claim }: Wish, content: ContentSource | undefined, { volume }: CreatedVolume): string | undefined => {
  const [made, wanted] = [BigInt(volume.capacity_bytes), toWhole(claim.spec.resources?.requests?.['storage'] ?? '0')]
  if (made > 0n && made < wanted) return `created volume capacity ${made} less than requested capacity ${wanted}`
  return content && !volume.content_source ? 'volume content source missing' : undefined
}

const affinityTerm = ({ segments }: Topology): NodeSelectorTerm => ({ matchExpressions: Object.keys(segments).sort().map((key) => ({ key, operator: 'In', values: [segments[key] ?? ''] })) })

export const volumeFor = ({ claim, storageClass, site }: Wish, { fsType, secrets }: ClassParameters, { volume }: CreatedVolume): Draft<PersistentVolume> => {
  const { metadata, spec } = claim
  const block = spec.volumeMode === 'Block'
  const terms = volume.accessible_topology.filter(({ segments }) => Object.keys(segments).length > 0).map(affinityTerm)
  const delivered = BigInt(volume.capacity_bytes)
  const deletes = (storageClass.reclaimPolicy ?? 'Delete') === 'Delete'
  return {
    metadata: { name: volumeNameOf(claim), ...(deletes && { finalizers: [reclaimFinalizer] }), annotations: {
      [provisionedBy]: site.driver, ...(secrets.provisioner && { [deletionSecret.name]: secrets.provisioner.name, [deletionSecret.namespace]: secrets.provisioner.namespace }),
    } },
    spec: {
      accessModes: spec.accessModes, capacity: { storage: delivered > 0n ? formatQuantity(quantityOf(delivered, 'BinarySI')) : (spec.resources?.requests?.['storage'] ?? '0') }, volumeMode: spec.volumeMode ?? 'Filesystem',
      storageClassName: storageClass.metadata.name, ...(spec.volumeAttributesClassName && { volumeAttributesClassName: spec.volumeAttributesClassName }), persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete', ...(storageClass.mountOptions && { mountOptions: storageClass.mountOptions }),
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: metadata.namespace, name: metadata.name, uid: metadata.uid, resourceVersion: metadata.resourceVersion },
      ...(terms.length > 0 && { nodeAffinity: { required: { nodeSelectorTerms: terms } } }),
      csi: {
        driver: site.driver, volumeHandle: volume.volume_id, ...(!block && fsType && { fsType }), ...(Object.keys(volume.volume_context).length > 0 && { volumeAttributes: volume.volume_context }),
        ...(secrets['controller-publish'] && { controllerPublishSecretRef: secrets['controller-publish'] }), ...(secrets['node-stage'] && { nodeStageSecretRef: secrets['node-stage'] }),
        ...(secrets['node-publish'] && { nodePublishSecretRef: secrets['node-publish'] }), ...(secrets['controller-expand'] && { controllerExpandSecretRef: secrets['controller-expand'] }),
        ...(secrets['node-expand'] && { nodeExpandSecretRef: secrets['node-expand'] }),
      },
    },
  }
}

const tell = (claim: PersistentVolumeClaim, type: 'Normal' | 'Warning', what: { reason: string; message: string }): Action => event(PersistentVolumeClaims, claim, { type, ...what })

const provisioningFailed = (storageClass: StorageClass, why: string): { reason: string; message: string } => ({ reason: 'ProvisioningFailed', message: `failed to provision volume with StorageClass ${JSON.stringify(storageClass.metadata.name)}: ${why}` })

const withoutNode = (claim: PersistentVolumeClaim): PersistentVolumeClaim => {
  const { [selectedNode]: _, ...annotations } = claim.metadata.annotations ?? {}
  return { ...claim, metadata: { ...claim.metadata, annotations } }
}

/** A volume that its driver has made for the cluster. */
const ownVolume = (name: string, world: World): PersistentVolume | undefined => {
  const volume = world.get(PersistentVolumes, name)
  return volume?.spec.csi && volume.metadata.annotations?.[provisionedBy] === volume.spec.csi.driver ? volume : undefined
}
/** One that has lost its claim and that its driver is to delete; undefined: it stays. */
export const doomed = (name: string, world: World): PersistentVolume | undefined => {
  const volume = ownVolume(name, world)
  return volume && isDoomed(volume) ? volume : undefined
}

const [claimPrefix, volumePrefix] = ['claim:', 'volume:']

export const csiProvisioner = ({ client, service }: CsiContext): Reconciler => {
  const turns = retries()

  /** A volume that is no good goes again at once. */
  const discard = async (flaw: string, { volume }: CreatedVolume, { site, secrets }: { site: Site; secrets: Readonly<Record<string, string>> }): Promise<string> => {
    const left = await service.call(site, 'DeleteVolume', { volume_id: volume.volume_id, secrets }).then(() => undefined, messageOf)
    return left === undefined ? flaw : `${flaw}. Cleanup of volume ${volume.volume_id} failed, volume is orphaned: ${left}`
  }

  const make = async (wish: Wish, source: Exclude<DataSource, { from: 'elsewhere' }> | undefined, world: World): Promise<Action[]> => {
    const { claim, storageClass, site } = wish
    const parameters = classParameters(storageClass, claim, volumeNameOf(claim))
    const content = source && await contentSource(claim, source, { driver: site.driver, client, world })
    const original = source?.from === 'volume' ? sourceClaim(claim, source.name, world) : undefined
    // What is copied is known to be before it is.
    if (original && !original.metadata.finalizers?.includes(cloneFinalizer)) return [update(PersistentVolumeClaims, withFinalizer(original, cloneFinalizer)), { do: 'requeueAfter', milliseconds: 0 }]
    const secrets = await secretTexts(client, parameters.secrets.provisioner)
    const made = await service.call<CreatedVolume>(site, 'CreateVolume', createRequest(wish, parameters, { secrets, content, mutable: mutableParameters(wish, world) }))
    const flaw = flawOf(wish, content, made)
    if (flaw !== undefined) throw new Error(await discard(flaw, made, { site, secrets }))
    return [
      tell(claim, 'Normal', { reason: 'Provisioning', message: `External provisioner is provisioning volume for claim ${JSON.stringify(keyOf(claim))}` }),
      create(PersistentVolumes, volumeFor(wish, parameters, made), {
        tolerate: isAlreadyExists, otherwise: (error) => [tell(claim, 'Warning', provisioningFailed(storageClass, error.message))], then: () => [tell(claim, 'Normal', { reason: 'ProvisioningSucceeded', message: `Successfully provisioned volume ${volumeNameOf(claim)}` })],
      }),
    ]
  }

  const provision = async (key: string, world: World): Promise<Action[]> => {
    const wish = wishOf(key, world)
    if (!wish || await service.isTaken(leaseOf(wish.site.driver), world.now)) return []
    const { claim, storageClass, selected } = wish
    const failed = (why: string): Action => tell(claim, 'Warning', provisioningFailed(storageClass, why))
    const source = dataSourceOf(claim)
    if (source?.from === 'elsewhere') return [tell(claim, 'Normal', { reason: 'Provisioning', message: 'Assuming an external populator will provision the volume' })]
    const refusal = refusalOf(wish, source)
    if (refusal !== undefined) return [failed(refusal)]
    try {
      const done = await make(wish, source, world)
      turns.worked(key)
      return done
    } catch (error) {
      // No room there: the scheduler chooses again.
      const elsewhere = error instanceof CallError && error.code === 'ResourceExhausted' && selected !== undefined
      return [failed(messageOf(error)), ...(elsewhere ? [update(PersistentVolumeClaims, withoutNode(claim))] : []), turns.failed(key)]
    }
  }

  const destroy = async (key: string, name: string, world: World): Promise<Action[]> => {
    const volume = ownVolume(name, world)
    const csi = volume?.spec.csi
    const site = csi && siteOfVolume(csi.driver, volume, world)
    if (!volume || !csi || !site?.capabilities.includes('CREATE_DELETE_VOLUME') || await service.isTaken(leaseOf(csi.driver), world.now)) return []
    if (!isDoomed(volume)) return planReclaimFinalizer(volume)
    const failed = (why: string): Action[] => [event(PersistentVolumes, volume, { type: 'Warning', reason: 'VolumeFailedDelete', message: why }), turns.failed(key)]
    const attached = world.list(VolumeAttachments).find(({ spec }) => spec.source?.persistentVolumeName === name)
    if (attached) return failed(`persistentvolume ${name} is still attached to node ${attached.spec.nodeName ?? ''}`)
    try {
      const { annotations = {} } = volume.metadata
      await service.call(site, 'DeleteVolume', { volume_id: csi.volumeHandle, secrets: await secretTexts(client, { name: annotations[deletionSecret.name], namespace: annotations[deletionSecret.namespace] }) })
      turns.worked(key)
      return planEnd(volume)
    } catch (error) {
      return failed(messageOf(error))
    }
  }

  const unserved = (world: World): string[] => world.list(PersistentVolumeClaims).filter(({ spec, metadata }) => !spec.volumeName && metadata.annotations?.[handedOver] !== undefined).map((claim) => `${claimPrefix}${keyOf(claim)}`)
  const released = (world: World): string[] => world.list(PersistentVolumes).filter(({ metadata }) => doomed(metadata.name, world)).map(({ metadata }) => `${volumePrefix}${metadata.name}`)
  return {
    name: 'external-provisioner',
    watches: [
      watching(PersistentVolumeClaims, (claim) => [`${claimPrefix}${keyOf(claim)}`], { matters: (claim) => claim?.metadata.annotations?.[handedOver] !== undefined && !claim.spec.volumeName }),
      watching(PersistentVolumes, ({ metadata }) => [`${volumePrefix}${metadata.name}`], { matters: (volume) => volume?.spec.csi !== undefined }),
      watching(StorageClasses, (_, world) => unserved(world)),
      watching(VolumeAttributesClasses, (_, world) => unserved(world)),
      watching(CSINodes, (_, world) => [...unserved(world), ...released(world)]),
      watching(VolumeAttachments, ({ spec }) => (spec.source?.persistentVolumeName ? [`${volumePrefix}${spec.source.persistentVolumeName}`] : []), { matters: (attachment) => !attachment }),
    ],
    reads: [Nodes, CSIDrivers],
    plan: (key, world) => (key.startsWith(claimPrefix) ? provision(key.slice(claimPrefix.length), world) : destroy(key, key.slice(volumePrefix.length), world)),
  }
}
