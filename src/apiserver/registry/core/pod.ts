/** Pods. Mirrors upstream's `pkg/registry/core/pod/strategy.go`. */
import { Pods } from '../../../api/kinds.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { Pod, PodStatus } from '../../../api/types.ts'
import { checkEach } from '../field-checks.ts'
import { keepFields } from '../status-subresource.ts'
import type { Strategy, SubresourceStrategy } from '../strategy.ts'
import { applyAppArmorAnnotations } from './app-armor-annotations.ts'
import { checkImageSpace } from './container-validation.ts'
import { checkPodAnnotations, checkPodAnnotationUpdates, mirrorAnnotation } from './pod-annotations.ts'
import { podColumns } from './pod-columns.ts'
import { resolveMatchLabelKeys } from './pod-match-label-keys.ts'
import { nameWarnings, podWarnings, sameGeneration } from './pod-warnings.ts'
import { resizeStrategy } from './pod-resize.ts'
import { setPodDefaults } from './pod-spec-defaults.ts'
import { checkPodSpec } from './pod-spec-validation.ts'
import { checkPodStatusUpdate } from './pod-status-validation.ts'
import { checkEphemeralContainersUpdate, checkPodUpdate } from './pod-update-validation.ts'
import { qualityOfService } from '../../../api/quality-of-service.ts'

const checkTokenSources = ({ spec }: Pod): FieldError[] => (spec.serviceAccountName ? [] : checkEach('spec.volumes', spec.volumes, ({ projected }, at) =>
  checkEach(`${at}.projected.sources`, projected?.sources, ({ serviceAccountToken }, source) =>
    (serviceAccountToken ? [fieldError.forbidden(`${source}.serviceAccountToken`, 'must not be specified when serviceAccountName is not set')] : []))))

/** What holds for every pod, new or changed. */
const checkPod = (pod: Pod): FieldError[] => [
  ...checkPodAnnotations('metadata.annotations', pod.metadata.annotations, pod.spec.nodeName),
  ...checkPodSpec('spec', pod.spec, true),
  ...checkTokenSources(pod),
  ...(['containers', 'initContainers'] as const).flatMap((list) => checkEach(`spec.${list}`, pod.spec[list], (container, at) => checkImageSpace(at, container))),
]

const checkNew = (pod: Pod): FieldError[] => [
  ...checkPod(pod),
  ...((pod.spec.ephemeralContainers ?? []).length > 0 ? [fieldError.forbidden('spec.ephemeralContainers', 'cannot be set on create')] : []),
  ...(pod.spec.nodeName && (pod.spec.schedulingGates ?? []).length > 0 ? [fieldError.forbidden('spec.nodeName', 'cannot be set until all schedulingGates have been cleared')] : []),
]

const newStatus = ({ spec }: Pod): PodStatus => ({
  phase: 'Pending', qosClass: qualityOfService(spec),
  ...((spec.schedulingGates ?? []).length > 0 && { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated', message: 'Scheduling is blocked due to non-empty scheduling gates' }] }),
})

/** Each of `podIP` and `podIPs` implies the other; where they differ the single one wins, for kubelets of old. */
const alignAddresses = (status: PodStatus): void => {
  if (status.podIP && status.podIPs?.[0]?.ip !== status.podIP) status.podIPs = [{ ip: status.podIP }]
  else if (status.podIPs?.[0]) status.podIP = status.podIPs[0].ip
  if (status.hostIP && !status.hostIPs) status.hostIPs = [{ ip: status.hostIP }]
}

const statusStrategy: SubresourceStrategy<Pod> = {
  prepareForUpdate(next, old) {
    next.spec = old.spec
    // Kubelets of old sent owner references mangled, and may still.
    keepFields(next.metadata, old.metadata, ['ownerReferences'])
    next.status ??= {}
    if (!next.status.qosClass && old.status.qosClass) next.status.qosClass = old.status.qosClass
    alignAddresses(next.status)
  },
  validateUpdate: (next, old) => [...checkPodAnnotationUpdates('metadata.annotations', next.metadata.annotations, old.metadata.annotations), ...checkPodStatusUpdate(next, old)],
}

const ephemeralContainersStrategy: SubresourceStrategy<Pod> = {
  prepareForUpdate(next, old) {
    const { ephemeralContainers } = next.spec
    next.spec = { ...old.spec, ...(ephemeralContainers && { ephemeralContainers }) }
    next.status = old.status
    next.metadata = { ...old.metadata, resourceVersion: next.metadata.resourceVersion, ...(next.metadata.managedFields && { managedFields: next.metadata.managedFields }) }
  },
  validateUpdate: (next, old) => (old.metadata.annotations && Object.hasOwn(old.metadata.annotations, mirrorAnnotation)
    ? [fieldError.forbidden('', 'static pods do not support ephemeral containers')] : [...checkPod(next), ...checkEphemeralContainersUpdate(next, old)]),
}

/** Of new pods: what their annotations were taken for, of which the pods themselves tell nothing any more. */
const annotationWarnings = new WeakMap<Pod, string[]>()

export const podStrategy: Strategy<Pod> = {
  kind: Pods,
  returnsDeletedObject: true,
  setDefaults(pod) {
    pod.spec ??= { containers: [] }
    pod.status ??= {}
    setPodDefaults(pod.spec)
  },
  prepareForCreate(pod) {
    pod.status = newStatus(pod)
    resolveMatchLabelKeys(pod)
    const warnings = applyAppArmorAnnotations(pod)
    if (warnings.length > 0) annotationWarnings.set(pod, warnings)
  },
  validate: checkNew,
  prepareForUpdate(next, old) {
    next.status = old.status
  },
  validateUpdate: (next, old) => [...checkPod(next), ...checkPodAnnotationUpdates('metadata.annotations', next.metadata.annotations, old.metadata.annotations), ...checkPodUpdate(next, old)],
  warnings: (pod, _context, old) => (sameGeneration(pod.metadata, old) ? [] : [...annotationWarnings.get(pod) ?? [], ...nameWarnings(pod.metadata.name, "the Pod's hostname"), ...podWarnings('', pod)]),
  generationOf: ({ spec }) => spec,
  columns: podColumns,
  selectableFields: {
    'spec.nodeName': ({ spec }) => spec.nodeName ?? '',
    'spec.restartPolicy': ({ spec }) => spec.restartPolicy ?? '',
    'spec.schedulerName': ({ spec }) => spec.schedulerName ?? '',
    'spec.serviceAccountName': ({ spec }) => spec.serviceAccountName ?? '',
    'spec.hostNetwork': ({ spec }) => String(spec.hostNetwork ?? false),
    'status.phase': ({ status }) => status.phase ?? '',
    'status.podIP': ({ status }) => status.podIPs?.[0]?.ip ?? status.podIP ?? '',
    'status.nominatedNodeName': ({ status }) => status.nominatedNodeName ?? '',
  },
  subresources: { status: statusStrategy, ephemeralcontainers: ephemeralContainersStrategy, resize: resizeStrategy(checkPod) },
  /** Pods that no kubelet runs, or runs no more, go at once. Mirrors podStrategy.CheckGracefulDelete. */
  gracefulDeletion({ spec, status }, askedSeconds) {
    if (!spec.nodeName || status.phase === 'Failed' || status.phase === 'Succeeded') return 0
    const seconds = askedSeconds ?? spec.terminationGracePeriodSeconds ?? 0
    return seconds < 0 ? 1 : seconds
  },
}
