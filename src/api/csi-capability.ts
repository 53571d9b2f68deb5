/** A volume's access in the terms of the Container Storage Interface, and the names that Kubernetes' parts have for its volumes. Pure; node and controller calls agree by it. */

export interface AccessWish { accessModes: readonly string[]; block: boolean; fsType: string; mountOptions: readonly string[] }

/** A driver that tells writers apart is told of one pod, or several, on the node. Mirrors csi_client.go asCSIAccessModeV1 and its kin. */
const accessMode = (mode: string | undefined, tellsApart: boolean): string => {
  switch (mode) {
    case 'ReadOnlyMany': return 'MULTI_NODE_READER_ONLY'
    case 'ReadWriteMany': return 'MULTI_NODE_MULTI_WRITER'
    case 'ReadWriteOncePod': return tellsApart ? 'SINGLE_NODE_SINGLE_WRITER' : 'SINGLE_NODE_WRITER'
    default: return tellsApart ? 'SINGLE_NODE_MULTI_WRITER' : 'SINGLE_NODE_WRITER'
  }
}

/** csi.v1.VolumeCapability. `tellsApart`: the driver has SINGLE_NODE_MULTI_WRITER; `group`: that of the mount, '' for none. */
export const volumeCapability = ({ accessModes, block, fsType, mountOptions }: AccessWish, { tellsApart, group = '' }: { tellsApart: boolean; group?: string }): object => ({
  access_mode: { mode: accessMode(accessModes[0], tellsApart) },
  ...(block ? { block: {} } : { mount: { fs_type: fsType, mount_flags: [...mountOptions], volume_mount_group: group } }),
})

/** How nodes and the attach-detach controller name a volume. */
export const uniqueVolumeName = (driver: string, volumeHandle: string): string => `kubernetes.io/csi/${driver}^${volumeHandle}`

/** Ours, of a CSINode: which drivers offer their controller service there (JSON: name to capabilities). Of a CSIDriver: `external` keeps the cluster's controllers from calling it. */
export const controllersAnnotation = 'csi.wherry.io/controllers'
