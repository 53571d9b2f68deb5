/** What may change in a pod. Mirrors ValidatePodUpdate and ValidatePodEphemeralContainersUpdate of upstream's core validation. */
import { deepCopy, deepEqual, semanticEqual } from '../../../api/equal.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { Container, NodeAffinity, NodeSelectorTerm, Pod, PodSchedulingGate, PodSpec, Toleration } from '../../../api/types.ts'
import { changedPaths } from '../changed-paths.ts'
import { checkEach, maxInt32 } from '../field-checks.ts'
import { checkImageSpace } from './container-validation.ts'

const updatable = ['`spec.containers[*].image`', '`spec.initContainers[*].image`', '`spec.activeDeadlineSeconds`', '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)'].join(',')

const checkDeadline = (next: number | undefined, old: number | undefined): FieldError[] => {
  const path = 'spec.activeDeadlineSeconds'
  if (next === undefined) return old === undefined ? [] : [fieldError.invalid(path, null, 'must not update from a positive integer to nil value')]
  if (next < 0 || next > maxInt32) return [fieldError.invalid(path, next, `must be between 0 and ${maxInt32}, inclusive`)]
  return old !== undefined && old < next ? [fieldError.invalid(path, next, 'must be less than or equal to previous value')] : []
}

const withoutSeconds = ({ tolerationSeconds: _seconds, ...rest }: Toleration): Omit<Toleration, 'tolerationSeconds'> => rest

const checkTolerationsOnlyAdded = (next: readonly Toleration[] = [], old: readonly Toleration[] = []): FieldError[] =>
  (old.every((before) => next.some((now) => deepEqual(withoutSeconds(now), withoutSeconds(before)))) ? []
    : [fieldError.forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds')])

const checkGatesOnlyRemoved = (next: readonly PodSchedulingGate[] | undefined, old: readonly PodSchedulingGate[] = []): FieldError[] =>
  checkEach('spec.schedulingGates', next, ({ name }, at) => (old.some((gate) => gate.name === name) ? []
    : [fieldError.forbidden(`${at}.name`, `only deletion is allowed, but found new scheduling gate '${name}'`)]))

const startsWith = (next: readonly unknown[] = [], old: readonly unknown[] = []): boolean => semanticEqual(next.slice(0, old.length), old)

const onlyAdds = (next: NodeSelectorTerm, old: NodeSelectorTerm): boolean => {
  const wasEmpty = (old.matchExpressions ?? []).length + (old.matchFields ?? []).length === 0
  const isEmpty = (next.matchExpressions ?? []).length + (next.matchFields ?? []).length === 0
  return (!wasEmpty || isEmpty) && startsWith(next.matchExpressions, old.matchExpressions) && startsWith(next.matchFields, old.matchFields)
}

const checkNodeAffinityMutation = (next: NodeAffinity | undefined, old: NodeAffinity | undefined): FieldError[] => {
  const path = 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms'
  const before = old?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  const now = next?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  if (before.length === 0) return []
  if (before.length !== now.length) return [fieldError.invalid(path, now, 'no additions/deletions to non-empty NodeSelectorTerms list are allowed')]
  return checkEach(path, now, (term, at, index) => (onlyAdds(term, before[index] ?? {}) ? [] : [fieldError.invalid(at, term, 'only additions are allowed (no mutations or deletions)')]))
}

/** A pod that waits behind gates may still be narrowed down to fewer nodes. */
const checkGatedMutations = (next: PodSpec, old: PodSpec): FieldError[] => {
  const kept = Object.entries(old.nodeSelector ?? {}).every(([key, value]) => next.nodeSelector !== undefined && Object.hasOwn(next.nodeSelector, key) && next.nodeSelector[key] === value)
  return [
    ...(kept ? [] : [fieldError.invalid('spec.nodeSelector', next.nodeSelector ?? null, 'only additions to spec.nodeSelector are allowed (no mutations or deletions)')]),
    ...checkNodeAffinityMutation(next.affinity?.nodeAffinity, old.affinity?.nodeAffinity),
  ]
}

const withImagesOf = (containers: readonly Container[], old: readonly Container[] | undefined): Container[] =>
  containers.map((container, index) => ({ ...container, image: old?.[index]?.image }))

/** `next` with everything that may change put back to what it was; what differs after that may not. */
const withAllowedUndone = (next: PodSpec, old: PodSpec): PodSpec => {
  const munged: PodSpec = {
    ...next, containers: withImagesOf(next.containers, old.containers), ...(next.initContainers && { initContainers: withImagesOf(next.initContainers, old.initContainers) }),
    activeDeadlineSeconds: old.activeDeadlineSeconds, tolerations: old.tolerations, schedulingGates: old.schedulingGates,
  }
  if ((old.terminationGracePeriodSeconds ?? 0) < 0 && munged.terminationGracePeriodSeconds === 1) munged.terminationGracePeriodSeconds = old.terminationGracePeriodSeconds
  if ((old.schedulingGates ?? []).length > 0) {
    munged.nodeSelector = old.nodeSelector
    munged.affinity = { ...munged.affinity, nodeAffinity: old.affinity?.nodeAffinity }
  }
  return deepCopy(munged)
}

export const checkPodUpdate = ({ spec: next }: Pod, { spec: old }: Pod): FieldError[] => {
  for (const list of ['containers', 'initContainers'] as const) {
    if ((next[list] ?? []).length !== (old[list] ?? []).length) return [fieldError.forbidden(`spec.${list}`, 'pod updates may not add or remove containers')]
  }
  const errors = [
    ...(['containers', 'initContainers'] as const).flatMap((list) => checkEach(`spec.${list}`, next[list], (container, at) => checkImageSpace(at, container))),
    ...checkDeadline(next.activeDeadlineSeconds, old.activeDeadlineSeconds),
    ...checkTolerationsOnlyAdded(next.tolerations, old.tolerations),
    ...checkGatesOnlyRemoved(next.schedulingGates, old.schedulingGates),
    ...((old.schedulingGates ?? []).length > 0 ? checkGatedMutations(next, old) : []),
  ]
  const munged = withAllowedUndone(next, old)
  if (semanticEqual(munged, old)) return errors
  return [...errors, fieldError.forbidden('spec', `pod updates may not change fields other than ${updatable}\n${changedPaths(old, munged, 'spec').join('\n')}`)]
}

/** Ephemeral containers are only ever added. */
export const checkEphemeralContainersUpdate = ({ spec: next }: Pod, { spec: old }: Pod): FieldError[] => (old.ephemeralContainers ?? []).flatMap((before) => {
  const now = next.ephemeralContainers?.find(({ name }) => name === before.name)
  if (!now) return [fieldError.forbidden('spec.ephemeralContainers', `existing ephemeral containers ${JSON.stringify(before.name)} may not be removed\n`)]
  return semanticEqual(before, now) ? []
    : [fieldError.forbidden('spec.ephemeralContainers', `existing ephemeral containers ${JSON.stringify(before.name)} may not be changed\n${changedPaths(before, now, 'ephemeralContainer').join('\n')}`)]
})
