/** The pod of a DaemonSet for one node, and the node of such a pod. Mirrors pkg/controller/daemon/util/daemonset_util.go. */
import { DaemonSets } from '../../api/kinds.ts'
import type { Draft } from '../../api/meta.ts'
import type { Affinity, DaemonSet, Node, Pod, PodSpec, Toleration } from '../../api/types.ts'
import { fitsNode } from '../node-affinity.ts'
import { podFromTemplate } from '../pod-template.ts'
import { isTolerated, taintKeys } from '../taints.ts'

export const revisionHashLabel = 'controller-revision-hash'
const templateGenerationLabel = 'pod-template-generation'

const nodeNameField = 'metadata.name'

/** The scheduler binds the pod to this node and no other. */
const pinnedTo = (nodeName: string, affinity: Affinity | undefined): Affinity => ({
  ...affinity,
  nodeAffinity: { ...affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields: [{ key: nodeNameField, operator: 'In', values: [nodeName] }] }] } },
})

/** Where the pod runs, or is to run; '' when it says nothing. */
export const nodeOf = ({ spec }: Pod): string => {
  if (spec.nodeName) return spec.nodeName
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  return terms.flatMap(({ matchFields = [] }) => matchFields).find(({ key, operator }) => key === nodeNameField && operator === 'In')?.values?.[0] ?? ''
}

/** Daemons stay on nodes in trouble: they may be what helps them. */
const ownTolerations = ({ hostNetwork }: PodSpec): Toleration[] => [
  { key: taintKeys.notReady, operator: 'Exists', effect: 'NoExecute' },
  { key: taintKeys.unreachable, operator: 'Exists', effect: 'NoExecute' },
  { key: taintKeys.diskPressure, operator: 'Exists', effect: 'NoSchedule' },
  { key: taintKeys.memoryPressure, operator: 'Exists', effect: 'NoSchedule' },
  { key: taintKeys.pidPressure, operator: 'Exists', effect: 'NoSchedule' },
  { key: taintKeys.unschedulable, operator: 'Exists', effect: 'NoSchedule' },
  ...(hostNetwork ? [{ key: taintKeys.networkUnavailable, operator: 'Exists', effect: 'NoSchedule' }] : []),
]

const tolerationsOf = (spec: PodSpec): Toleration[] => {
  const own = ownTolerations(spec)
  const kept = (spec.tolerations ?? []).filter((given) => !own.some((each) => each.key === given.key && each.effect === given.effect && each.operator === given.operator && !given.value))
  return [...kept, ...own]
}

export const daemonPod = (daemonSet: DaemonSet, nodeName: string, hash: string): Draft<Pod> => {
  const pod = podFromTemplate(daemonSet.spec.template, daemonSet, DaemonSets)
  const generation = daemonSet.metadata.annotations?.['deprecated.daemonset.template.generation']
  return {
    ...pod,
    metadata: { ...pod.metadata, labels: { ...pod.metadata.labels, [revisionHashLabel]: hash, ...(generation !== undefined && { [templateGenerationLabel]: generation }) } },
    spec: { ...pod.spec, affinity: pinnedTo(nodeName, pod.spec.affinity), tolerations: tolerationsOf(pod.spec) },
  }
}

/** Whether a daemon belongs on the node, and whether one that is there may stay: a NoSchedule taint does not chase it away. */
export const eligibility = ({ spec: { template } }: DaemonSet, node: Node): { run: boolean; stay: boolean } => {
  const no = { run: false, stay: false }
  if (!template.spec || (template.spec.nodeName && template.spec.nodeName !== node.metadata.name) || !fitsNode(template.spec, node)) return no
  const untolerated = (node.spec.taints ?? []).filter((taint) => !isTolerated(taint, tolerationsOf(template.spec ?? { containers: [] })))
  const bars = (effect: string): boolean => untolerated.some((taint) => taint.effect === effect)
  return { run: !bars('NoExecute') && !bars('NoSchedule'), stay: !bars('NoExecute') }
}
