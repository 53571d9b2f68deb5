/** Who a StatefulSet's pod is: its name, labels, host name and claims follow from its ordinal. Mirrors pkg/controller/statefulset/stateful_set_utils.go. */
import { StatefulSets } from '../../api/kinds.ts'
import type { Draft } from '../../api/meta.ts'
import type { PersistentVolumeClaim, Pod, PodTemplateSpec, StatefulSet, Volume } from '../../api/types.ts'
import { podFromTemplate } from '../pod-template.ts'

export const podNameLabel = 'statefulset.kubernetes.io/pod-name'
export const podIndexLabel = 'apps.kubernetes.io/pod-index'
/** Holds the name of the ControllerRevision, not its hash. */
export const revisionLabel = 'controller-revision-hash'

export const startOrdinal = ({ spec }: StatefulSet): number => spec.ordinals?.start ?? 0
export const replicasOf = ({ spec }: StatefulSet): number => spec.replicas ?? 1
export const revisionOf = ({ metadata }: Pod): string => metadata.labels?.[revisionLabel] ?? ''

export const podName = ({ metadata }: StatefulSet, ordinal: number): string => `${metadata.name}-${ordinal}`

/** Undefined for a pod that is not named as one of this set's. */
export const ordinalOf = ({ metadata }: StatefulSet, pod: Pod): number | undefined => {
  const { name } = pod.metadata
  const text = name.startsWith(`${metadata.name}-`) ? name.slice(metadata.name.length + 1) : ''
  return /^(0|[1-9]\d{0,9})$/.test(text) ? Number(text) : undefined
}

export const claimName = (set: StatefulSet, template: PersistentVolumeClaim, ordinal: number): string => `${template.metadata.name}-${set.metadata.name}-${ordinal}`

/** The claims of the pod with this ordinal. */
export const claimsOf = (set: StatefulSet, ordinal: number): Draft<PersistentVolumeClaim>[] => (set.spec.volumeClaimTemplates ?? []).map((template) => ({
  metadata: { name: claimName(set, template, ordinal), namespace: set.metadata.namespace, labels: { ...template.metadata.labels, ...set.spec.selector.matchLabels }, annotations: template.metadata.annotations },
  spec: template.spec,
}))

const identityLabels = (set: StatefulSet, ordinal: number): Record<string, string> => ({ [podNameLabel]: podName(set, ordinal), [podIndexLabel]: String(ordinal) })

/** Volumes for the claims take the place of those of the same name. */
const volumesOf = (set: StatefulSet, ordinal: number, given: readonly Volume[]): Volume[] => {
  const templates = set.spec.volumeClaimTemplates ?? []
  const names = new Set(templates.map(({ metadata }) => metadata.name))
  return [...templates.map((template) => ({ name: template.metadata.name, persistentVolumeClaim: { claimName: claimName(set, template, ordinal) } })), ...given.filter(({ name }) => !names.has(name))]
}

/** A new pod of this revision: `template` is the one that the revision holds. */
export const statefulPod = (set: StatefulSet, ordinal: number, of: { template: PodTemplateSpec; revision: string }): Draft<Pod> => {
  const pod = podFromTemplate(of.template, set, StatefulSets)
  const volumes = volumesOf(set, ordinal, pod.spec.volumes ?? [])
  return {
    metadata: { ...pod.metadata, name: podName(set, ordinal), labels: { ...pod.metadata.labels, ...identityLabels(set, ordinal), [revisionLabel]: of.revision } },
    spec: { ...pod.spec, hostname: podName(set, ordinal), ...(set.spec.serviceName && { subdomain: set.spec.serviceName }), ...(volumes.length > 0 && { volumes }) },
  }
}

const identityMatches = (set: StatefulSet, ordinal: number, { metadata }: Pod): boolean => metadata.labels?.[podNameLabel] === podName(set, ordinal)

const storageMatches = (set: StatefulSet, ordinal: number, { spec }: Pod): boolean => (set.spec.volumeClaimTemplates ?? []).every((template) =>
  spec.volumes?.some(({ name, persistentVolumeClaim }) => name === template.metadata.name && persistentVolumeClaim?.claimName === claimName(set, template, ordinal)))

/** The pod with what it lacks of its identity; undefined when it lacks nothing. */
export const withIdentity = (set: StatefulSet, ordinal: number, pod: Pod): Pod | undefined => {
  const isItself = identityMatches(set, ordinal, pod)
  const hasStorage = storageMatches(set, ordinal, pod)
  if (isItself && hasStorage) return undefined
  return {
    ...pod,
    ...(!isItself && { metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, ...identityLabels(set, ordinal) } } }),
    ...(!hasStorage && { spec: { ...pod.spec, volumes: volumesOf(set, ordinal, pod.spec.volumes ?? []) } }),
  }
}
