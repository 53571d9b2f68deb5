/** What a driver is told of a volume. Pure. Mirrors csi_client.go, csi_mounter.go and csi_attacher.go of pkg/volume/csi. */
import { volumeCapability as capabilityOf } from '../../../src/api/csi-capability.ts'
import type { CSIDriver, PersistentVolume, Pod, Volume } from '../../../src/api/types.ts'
import type { NodeCapability } from './driver.ts'
import { inlineHandle } from './journal.ts'

/** A volume of a pod in the terms of CSI. */
export interface CsiSource {
  driver: string
  volumeHandle: string
  /** The name of the PersistentVolume, or of the inline volume. */
  name: string
  /** Its name in the pod. */
  podVolume: string
  mode: 'Persistent' | 'Ephemeral'
  block: boolean
  fsType: string
  readOnly: boolean
  accessModes: readonly string[]
  mountOptions: readonly string[]
  attributes: Readonly<Record<string, string>>
  secrets: { stage?: SecretRef | undefined; publish?: SecretRef | undefined; expand?: SecretRef | undefined }
}
export interface SecretRef { namespace: string; name: string }

const secretRef = (ref: { name?: string | undefined; namespace?: string | undefined } | undefined, namespace = ''): SecretRef | undefined => (ref?.name ? { name: ref.name, namespace: ref.namespace ?? namespace } : undefined)

/** Undefined: the volume is none of a driver. `persistent`: the volume of its claim. */
export const csiSourceOf = (pod: Pod, volume: Volume, persistent?: PersistentVolume): CsiSource | undefined => {
  if (volume.csi) {
    const { driver, fsType = '', readOnly = false, volumeAttributes = {}, nodePublishSecretRef } = volume.csi
    return { driver, volumeHandle: inlineHandle(pod.metadata.uid, volume.name), name: volume.name, podVolume: volume.name, mode: 'Ephemeral', block: false, fsType, readOnly, accessModes: [], mountOptions: [],
      attributes: volumeAttributes, secrets: { publish: secretRef(nodePublishSecretRef, pod.metadata.namespace) } }
  }
  const csi = persistent?.spec.csi
  if (!csi) return undefined
  return {
    driver: csi.driver, volumeHandle: csi.volumeHandle, name: persistent.metadata.name, podVolume: volume.name, mode: 'Persistent', block: persistent.spec.volumeMode === 'Block', fsType: csi.fsType ?? '', readOnly: volume.persistentVolumeClaim?.readOnly ?? false,
    accessModes: persistent.spec.accessModes ?? [], mountOptions: persistent.spec.mountOptions ?? [], attributes: csi.volumeAttributes ?? {},
    secrets: { stage: secretRef(csi.nodeStageSecretRef), publish: secretRef(csi.nodePublishSecretRef), expand: secretRef(csi.nodeExpandSecretRef) },
  }
}

export const volumeCapability = (source: CsiSource, capabilities: ReadonlySet<NodeCapability | string>, fsGroup?: number): object => capabilityOf(source, {
  tellsApart: capabilities.has('SINGLE_NODE_MULTI_WRITER'), group: fsGroup !== undefined && capabilities.has('VOLUME_MOUNT_GROUP') ? String(fsGroup) : '',
})

/** Whether the kubelet itself gives the volume to the pod's group. */
export const wantsGroup = ({ accessModes, block, fsType, mode, readOnly }: CsiSource, policy: string = 'ReadWriteOnceWithFSType'): boolean => {
  if (block || readOnly || policy === 'None') return false
  if (policy === 'File') return true
  return fsType !== '' && (mode === 'Ephemeral' || accessModes.includes('ReadWriteOnce'))
}

/** What a driver is told of the pod when its CSIDriver says that it wants to know. */
export const podAttributes = ({ metadata, spec }: Pod, { mode }: CsiSource, driver: CSIDriver | undefined): Record<string, string> => (driver?.spec.podInfoOnMount ? {
  'csi.storage.k8s.io/pod.name': metadata.name, 'csi.storage.k8s.io/pod.namespace': metadata.namespace ?? '', 'csi.storage.k8s.io/pod.uid': metadata.uid,
  'csi.storage.k8s.io/serviceAccount.name': spec.serviceAccountName ?? '', 'csi.storage.k8s.io/ephemeral': String(mode === 'Ephemeral'),
} : {})

/** Why the driver has no such volumes; one that says nothing has persistent ones. */
export const modeProblem = ({ driver: name, mode }: CsiSource, driver: CSIDriver | undefined): string | undefined => {
  if (!driver) return mode === 'Persistent' ? undefined : `volume mode ${JSON.stringify(mode)} not supported by driver ${name} (no CSIDriver object)`
  const modes = driver.spec.volumeLifecycleModes ?? ['Persistent']
  return modes.includes(mode) ? undefined : `volume mode ${JSON.stringify(mode)} not supported by driver ${name} (only supports [${modes.map((each) => JSON.stringify(each)).join(' ')}])`
}

export const needsAttachment = ({ mode }: Pick<CsiSource, 'mode'>, driver: CSIDriver | undefined): boolean => mode === 'Persistent' && (driver?.spec.attachRequired ?? true)
