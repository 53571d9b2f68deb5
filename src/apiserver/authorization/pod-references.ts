/** The objects of its namespace that a pod refers to. Mirrors `pkg/api/v1/pod/util.go` and AddPod of `plugin/pkg/auth/authorizer/node/graph.go`. */
import type { Pod, Volume } from '../../api/types.ts'
import type { Guarded } from './node-graph.ts'

export interface PodReference { resource: Guarded; name: string }

/** Wherever a volume's source names a Secret of the pod's namespace. */
const secretsOfVolume = (volume: Volume): (string | undefined)[] => [
  volume.secret?.secretName, volume.azureFile?.secretName, volume.csi?.nodePublishSecretRef?.name,
  ...[volume.cephfs, volume.cinder, volume.flexVolume, volume.iscsi, volume.rbd, volume.scaleIO, volume.storageos].map((source) => source?.secretRef?.name),
  ...(volume.projected?.sources ?? []).map(({ secret }) => secret?.name),
]

const configMapsOfVolume = ({ configMap, projected }: Volume): (string | undefined)[] => [configMap?.name, ...(projected?.sources ?? []).map((source) => source.configMap?.name)]

export const podReferences = (pod: Pod): PodReference[] => {
  const { spec, metadata, status } = pod
  const names: Record<Guarded, Set<string>> = { secrets: new Set(), configmaps: new Set(), serviceaccounts: new Set(), persistentvolumeclaims: new Set(), resourceclaims: new Set() }
  const add = (resource: Guarded, name: string | undefined): void => { if (name) names[resource].add(name) }
  for (const container of [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])]) {
    for (const { valueFrom } of container.env ?? []) {
      add('secrets', valueFrom?.secretKeyRef?.name)
      add('configmaps', valueFrom?.configMapKeyRef?.name)
    }
    for (const { secretRef, configMapRef } of container.envFrom ?? []) {
      add('secrets', secretRef?.name)
      add('configmaps', configMapRef?.name)
    }
  }
  for (const volume of spec.volumes ?? []) {
    for (const name of secretsOfVolume(volume)) add('secrets', name)
    for (const name of configMapsOfVolume(volume)) add('configmaps', name)
    add('persistentvolumeclaims', volume.persistentVolumeClaim?.claimName ?? (volume.ephemeral && `${metadata.name}-${volume.name}`))
  }
  for (const { name } of spec.imagePullSecrets ?? []) add('secrets', name)
  for (const { resourceClaimName } of spec.resourceClaims ?? []) add('resourceclaims', resourceClaimName)
  for (const { resourceClaimName } of status?.resourceClaimStatuses ?? []) add('resourceclaims', resourceClaimName)
  add('serviceaccounts', spec.serviceAccountName ?? 'default')
  return (Object.keys(names) as Guarded[]).flatMap((resource) => [...names[resource]].map((name) => ({ resource, name })))
}
