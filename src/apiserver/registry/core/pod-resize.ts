/** The resize subresource: cpu and memory of a pod's containers, and of the pod as a whole, changed while it runs (the latter by the gate InPlacePodLevelResourcesVerticalScaling, on by default since 1.36). Mirrors podResizeStrategy and ValidatePodResize of upstream. */
import { deepCopy, semanticEqual } from '../../../api/equal.ts'
import { qualityOfService } from '../../../api/quality-of-service.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { Container, Pod, PodSpec, ResourceRequirements } from '../../../api/types.ts'
import { changedPaths } from '../changed-paths.ts'
import type { SubresourceStrategy } from '../strategy.ts'
import { mirrorAnnotation } from './pod-annotations.ts'

const lists = ['containers', 'initContainers'] as const
const resizable = ['cpu', 'memory'] as const

/** `old` with resources and resize policies of `next`, by the containers' places. */
const withResourcesOf = (old: PodSpec, next: PodSpec): PodSpec => {
  const spec = deepCopy(old)
  for (const list of lists) {
    for (const container of next[list] ?? []) {
      const own = spec[list]?.find(({ name }) => name === container.name)
      if (!own) continue
      if (container.resources) own.resources = container.resources
      else delete own.resources
      if (container.resizePolicy) own.resizePolicy = container.resizePolicy
      else delete own.resizePolicy
    }
  }
  if (next.resources) spec.resources = next.resources
  else delete spec.resources
  return spec
}

/** What a client changes besides is dropped, but not containers that it adds, removes or moves: those are named. */
const checkContainers = (asked: PodSpec, old: PodSpec): FieldError[] => lists.flatMap((list) => {
  const [now, before] = [asked[list] ?? [], old[list] ?? []]
  if (now.length !== before.length) return [fieldError.forbidden(`spec.${list}`, `${list} may not be added or removed on resize`)]
  return now.flatMap(({ name }, index) => (name === before[index]?.name ? [] : [fieldError.forbidden(`spec.${list}[${index}].name`, `${list} may not be renamed or reordered on resize`)]))
})

type Side = 'requests' | 'limits'
const isRemoved = (next: ResourceRequirements | undefined, old: ResourceRequirements | undefined, side: Side): boolean =>
  Object.keys(old?.[side] ?? {}).some((name) => !Object.hasOwn(next?.[side] ?? {}, name))

const checkResources = (path: string, next: Pick<Container, 'resources'>, old: Pick<Container, 'resources'>): FieldError[] => (['requests', 'limits'] as const)
  .filter((side) => isRemoved(next.resources, old.resources, side)).map((side) => fieldError.forbidden(`${path}.resources.${side}`, `resource ${side} cannot be removed`))

const restored = (next: Readonly<Record<string, string>> | undefined, old: Readonly<Record<string, string>> | undefined): Record<string, string> => {
  const list = { ...next }
  for (const name of resizable) {
    const before = old?.[name]
    if (before === undefined) delete list[name]
    else list[name] = before
  }
  return list
}

/** `container`, or a pod as a whole, with the cpu and memory of `old`. */
const withOldAmounts = <Of extends Pick<Container, 'resources'>>(container: Of, old: Pick<Container, 'resources'>): Of => ({
  ...container, resources: { ...container.resources, limits: restored(container.resources?.limits, old.resources?.limits), requests: restored(container.resources?.requests, old.resources?.requests) },
})

const isSidecar = ({ restartPolicy }: Container): boolean => restartPolicy === 'Always'

const checkUnchanged = (next: PodSpec, old: PodSpec): FieldError[] => {
  const undone: PodSpec = next.resources ?? old.resources ? withOldAmounts(next, old) : { ...next }
  // Nothing but cpu and memory came.
  if (!old.resources && semanticEqual(undone.resources, { requests: {}, limits: {} })) delete undone.resources
  for (const list of lists) {
    const containers = next[list]?.map((container, index) => {
      const before = old[list]?.[index]
      return before && (list === 'containers' || isSidecar(container)) ? withOldAmounts(container, before) : container
    })
    if (containers) undone[list] = containers
  }
  if (semanticEqual(undone, old)) return []
  return [fieldError.forbidden('spec', `only cpu and memory resources are mutable\n${changedPaths(old, undone, 'spec').join('\n')}`)]
}

const checkResizable = (pod: Pod): FieldError[] => {
  if (pod.metadata.annotations && Object.hasOwn(pod.metadata.annotations, mirrorAnnotation)) return [fieldError.forbidden('', 'static pods cannot be resized')]
  if (pod.spec.os?.name === 'windows') return [fieldError.forbidden('', 'windows pods cannot be resized')]
  return []
}

const quality = ({ spec, status }: Pod): string => status.qosClass ?? qualityOfService(spec)

const checkInitContainers = (next: PodSpec, old: PodSpec): FieldError[] => (next.initContainers ?? []).flatMap((container, index) => {
  const before = old.initContainers?.[index]
  const path = `spec.initContainers[${index}]`
  if (!before) return []
  if (isSidecar(container)) return checkResources(path, container, before)
  return semanticEqual(container.resources, before.resources) ? [] : [fieldError.forbidden(`${path}.resources`, 'resources for non-sidecar init containers are immutable')]
})

const checkResize = (next: Pod, old: Pod): FieldError[] => {
  const refused = checkResizable(old)
  if (refused.length > 0) return refused
  return [
    ...checkResources('spec', next.spec, old.spec),
    ...next.spec.containers.flatMap((container, index) => { const before = old.spec.containers[index]; return before ? checkResources(`spec.containers[${index}]`, container, before) : [] }),
    ...checkInitContainers(next.spec, old.spec),
    ...checkUnchanged(next.spec, old.spec),
    ...(qualityOfService(next.spec) === quality(old) ? [] : [fieldError.invalid('spec', quality(old), 'Pod QOS Class may not change as a result of resizing')]),
  ]
}

/** `checkPod` is what holds for every pod. */
export const resizeStrategy = (checkPod: (pod: Pod) => FieldError[]): SubresourceStrategy<Pod> => {
  // What was asked for, for validation to name; the pod itself has only what a resize takes over.
  const asked = new WeakMap<Pod, PodSpec>()
  return {
    prepareForUpdate(next, old) {
      asked.set(next, next.spec)
      next.spec = withResourcesOf(old.spec, next.spec)
      next.status = old.status
      next.metadata = { ...old.metadata, resourceVersion: next.metadata.resourceVersion, ...(next.metadata.managedFields && { managedFields: next.metadata.managedFields }) }
    },
    validateUpdate: (next, old) => [...checkPod(next), ...checkContainers(asked.get(next) ?? next.spec, old.spec), ...checkResize(next, old)],
  }
}
