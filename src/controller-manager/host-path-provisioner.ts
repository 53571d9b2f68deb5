/**
 * Volumes on demand: a directory of its own on a node for each claim of a class whose provisioner is `wherry.io/host-path`, and its end when the claim is gone.
 * Follows the protocol of external provisioners (sig-storage-lib-external-provisioner): it acts on claims that the persistentvolume-controller hands over by annotation.
 */
import path from 'node:path'
import { apiVersionOf, Nodes, PersistentVolumeClaims, PersistentVolumes, Pods, StorageClasses } from '../api/kinds.ts'
import { controllerReference, type Draft, keyOf } from '../api/meta.ts'
import { isAlreadyExists } from '../api/status.ts'
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '../api/types.ts'
import { type Action, create, event, remove, update } from '../client/action.ts'
import { type Reconciler, watching, type World } from '../client/controller.ts'
import { dataSourceOf } from './csi/data-source.ts'
import { planExpansion } from './host-path-expansion.ts'
import { isDoomed, planEnd, planReclaimFinalizer, reclaimFinalizer } from './storage-protection/reclaim-finalizer.ts'
import { classOf, isFor, provisionedBy, selectedNode, waitsForConsumer } from './volume-binding/volume.ts'

export const provisioner = 'wherry.io/host-path'

const handedOver = 'volume.kubernetes.io/storage-provisioner'
const hostLabel = 'kubernetes.io/hostname'
const removerLabel = 'wherry.io/removes-volume'
const removerNamespace = 'kube-system'

const nameFor = ({ metadata }: PersistentVolumeClaim): string => `pvc-${metadata.uid}`
const removerFor = (volume: string): string => `remove-${volume}`
const hostOf = ({ metadata }: Node): string => metadata.labels?.[hostLabel] ?? metadata.name
const isReady = ({ status, spec }: Node): boolean => !spec.unschedulable && (status.conditions ?? []).some(({ type, status: is }) => type === 'Ready' && is === 'True')

/** What a claim or its class asks for and a directory cannot give. */
const refusalOf = ({ spec }: PersistentVolumeClaim, { parameters = {}, mountOptions = [] }: StorageClass): string | undefined => {
  if (spec.volumeMode === 'Block') return 'block volumes are not supported, only volumeMode Filesystem'
  const mode = (spec.accessModes ?? []).find((each) => each !== 'ReadWriteOnce' && each !== 'ReadWriteOncePod')
  if (mode !== undefined) return `access mode ${mode} is not supported, only ReadWriteOnce and ReadWriteOncePod`
  if (spec.selector) return 'claim Selector is not supported'
  const source = spec.dataSource ?? spec.dataSourceRef
  if (source) return `volumes cannot be filled from a data source, as ${source.kind} ${JSON.stringify(source.name)}`
  if (spec.volumeAttributesClassName) return 'volume attributes classes are not supported'
  const [parameter] = Object.keys(parameters)
  if (parameter !== undefined) return `unknown parameter ${JSON.stringify(parameter)} of the storage class`
  return mountOptions.length > 0 ? 'mount options of the storage class are not supported' : undefined
}

const volumeFor = (claim: PersistentVolumeClaim, { node, storageClass, directory }: { node: Node; storageClass: StorageClass; directory: string }): Draft<PersistentVolume> => {
  const { metadata, spec } = claim
  const name = nameFor(claim)
  return {
    metadata: { name, annotations: { [provisionedBy]: provisioner }, ...((storageClass.reclaimPolicy ?? 'Delete') === 'Delete' && { finalizers: [reclaimFinalizer] }) },
    spec: {
      accessModes: spec.accessModes, capacity: { storage: spec.resources?.requests?.['storage'] ?? '0' }, volumeMode: 'Filesystem', storageClassName: storageClass.metadata.name,
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: metadata.namespace, name: metadata.name, uid: metadata.uid, resourceVersion: metadata.resourceVersion },
      hostPath: { path: path.join(directory, name), type: 'DirectoryOrCreate' },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: hostLabel, operator: 'In', values: [hostOf(node)] }] }] } },
    },
  }
}

const withoutNode = (claim: PersistentVolumeClaim): PersistentVolumeClaim => {
  const { [selectedNode]: _, ...annotations } = claim.metadata.annotations ?? {}
  return { ...claim, metadata: { ...claim.metadata, annotations } }
}

const firstReady = (world: World): Node | undefined => world.list(Nodes).filter(isReady).sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))[0]

const tell = (claim: PersistentVolumeClaim, type: 'Normal' | 'Warning', what: { reason: string; message: string }): Action => event(PersistentVolumeClaims, claim, { type, ...what })

/** Pure: makes the claim's volume, says why not, or does nothing for a claim that is not ours to serve. */
export const planProvision = (key: string, world: World, directory: string): Action[] => {
  const claim = world.get(PersistentVolumeClaims, key)
  if (!claim || claim.metadata.deletionTimestamp !== undefined || claim.spec.volumeName || claim.metadata.annotations?.[handedOver] !== provisioner) return []
  const storageClass = world.get(StorageClasses, classOf(claim))
  const present = world.get(PersistentVolumes, nameFor(claim))
  if (!storageClass || storageClass.provisioner !== provisioner || (present && isFor(present, claim))) return []
  const failed = (why: string): Action => tell(claim, 'Warning', { reason: 'ProvisioningFailed', message: `failed to provision volume with StorageClass ${JSON.stringify(storageClass.metadata.name)}: ${why}` })
  if (dataSourceOf(claim)?.from === 'elsewhere') return [tell(claim, 'Normal', { reason: 'Provisioning', message: 'Assuming an external populator will provision the volume' })]
  const refusal = refusalOf(claim, storageClass)
  if (refusal) return [failed(refusal)]
  const chosen = claim.metadata.annotations[selectedNode]
  if (chosen === undefined && waitsForConsumer(storageClass)) return []
  const node = chosen === undefined ? firstReady(world) : world.get(Nodes, chosen)
  // Without its node the scheduler chooses again.
  if (!node) return chosen === undefined ? [failed('no node is ready')] : [failed(`node ${JSON.stringify(chosen)} not found`), update(PersistentVolumeClaims, withoutNode(claim))]
  return [
    tell(claim, 'Normal', { reason: 'Provisioning', message: `External provisioner is provisioning volume for claim ${JSON.stringify(key)}` }),
    create(PersistentVolumes, volumeFor(claim, { node, storageClass, directory }), {
      tolerate: isAlreadyExists, otherwise: (error) => [failed(error.message)], then: () => [tell(claim, 'Normal', { reason: 'ProvisioningSucceeded', message: `Successfully provisioned volume ${nameFor(claim)}` })],
    }),
  ]
}

/** A pod on the volume's node that deletes its directory: nobody else can reach it. */
const removerOf = (volume: PersistentVolume, node: Node, directory: string): Draft<Pod> => {
  const { name } = volume.metadata
  return {
    metadata: { name: removerFor(name), namespace: removerNamespace, labels: { [removerLabel]: 'true' }, ownerReferences: [controllerReference(volume, apiVersionOf(PersistentVolumes), PersistentVolumes.kind)] },
    spec: {
      nodeName: node.metadata.name, restartPolicy: 'OnFailure', automountServiceAccountToken: false, terminationGracePeriodSeconds: 0, tolerations: [{ operator: 'Exists' }],
      containers: [{ name: 'remove', image: 'host', command: ['rm', '-rf', '--', `/volumes/${name}`], volumeMounts: [{ name: 'volumes', mountPath: '/volumes' }] }],
      volumes: [{ name: 'volumes', hostPath: { path: directory, type: 'DirectoryOrCreate' } }],
    },
  }
}

const nodeOf = ({ spec }: PersistentVolume, world: World): Node | undefined => {
  const hosts = spec.nodeAffinity?.required?.nodeSelectorTerms?.[0]?.matchExpressions?.find(({ key }) => key === hostLabel)?.values ?? []
  return world.list(Nodes).find((node) => hosts.includes(hostOf(node)))
}

/** Pure: the directory of a released volume goes first, then the volume; the garbage collector takes the pod. */
export const planRemoval = (name: string, world: World, directory: string): Action[] => {
  const volume = world.get(PersistentVolumes, name)
  // A path that is not where we put it is not ours to delete.
  if (!volume || volume.metadata.annotations?.[provisionedBy] !== provisioner || volume.spec.hostPath?.path !== path.join(directory, name)) return []
  if (!isDoomed(volume)) return planReclaimFinalizer(volume)
  const node = nodeOf(volume, world)
  if (!node) return planEnd(volume)
  const remover = world.get(Pods, `${removerNamespace}/${removerFor(name)}`)
  if (!remover) return [create(Pods, removerOf(volume, node, directory), { tolerate: isAlreadyExists })]
  if (remover.status.phase === 'Succeeded') return planEnd(volume)
  return remover.status.phase === 'Failed' ? [remove(Pods, remover)] : []
}

const [claimPrefix, volumePrefix] = ['claim:', 'volume:']

/** `directory`: where volumes are on every node. */
export const hostPathProvisioner = (directory: string): Reconciler => ({
  name: provisioner,
  watches: [
    watching(PersistentVolumeClaims, (claim) => [`${claimPrefix}${keyOf(claim)}`]),
    watching(PersistentVolumes, ({ metadata, spec: { claimRef } }) => [`${volumePrefix}${metadata.name}`, ...(claimRef ? [`${claimPrefix}${keyOf({ metadata: claimRef })}`] : [])]),
    watching(StorageClasses, (_, world) => world.list(PersistentVolumeClaims).filter(({ spec }) => !spec.volumeName).map((claim) => `${claimPrefix}${keyOf(claim)}`)),
    watching(Nodes, (_, world) => world.list(PersistentVolumeClaims).filter(({ spec }) => !spec.volumeName).map((claim) => `${claimPrefix}${keyOf(claim)}`), { matters: (node, previous) => !node || !previous || isReady(node) !== isReady(previous) }),
    watching(Pods, ({ metadata }) => (metadata.ownerReferences ?? []).filter(({ kind }) => kind === PersistentVolumes.kind).map((owner) => `${volumePrefix}${owner.name}`), { matters: (pod, previous) => (pod ?? previous)?.metadata.labels?.[removerLabel] !== undefined }),
  ],
  plan: (key, world) => (key.startsWith(claimPrefix) ? [...planProvision(key.slice(claimPrefix.length), world, directory), ...planExpansion(key.slice(claimPrefix.length), world, provisioner)] : planRemoval(key.slice(volumePrefix.length), world, directory)),
})
