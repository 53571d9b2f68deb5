/** A pod gets what its runtime class costs, and goes where the class can run. Mirrors `plugin/pkg/admission/runtimeclass`. */
import { deepCopy, deepEqual, semanticEqual, setOwn } from '../../api/equal.ts'
import { Pods, RuntimeClasses } from '../../api/kinds.ts'
import { forbidden } from '../../api/status.ts'
import type { Pod, RuntimeClass, Scheduling } from '../../api/types.ts'
import type { AdmissionAttributes, AdmissionContext, AdmissionPlugin } from './plugin.ts'

const nameOf = ({ metadata }: Pod): string => metadata.name || (metadata.generateName ?? '')
const mismatch = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"

const classOf = (pod: Pod, { lookup }: AdmissionContext): RuntimeClass | undefined => {
  const name = pod.spec.runtimeClassName
  if (name === undefined) return undefined
  const found = lookup.get(RuntimeClasses, name)
  if (!found) throw forbidden(Pods, nameOf(pod), `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`)
  return found
}

const setOverhead = (pod: Pod, { overhead }: RuntimeClass): void => {
  if (!overhead) return
  if (pod.spec.overhead !== undefined && !semanticEqual(pod.spec.overhead, overhead.podFixed)) throw forbidden(Pods, nameOf(pod), mismatch)
  pod.spec.overhead = { ...overhead.podFixed }
}

const mergeNodeSelector = (pod: Pod, { nodeSelector = {} }: Scheduling): void => {
  const merged = { ...pod.spec.nodeSelector }
  for (const [key, value] of Object.entries(nodeSelector)) {
    const own = Object.hasOwn(merged, key) ? merged[key] : undefined
    if (own !== undefined && own !== value) {
      throw forbidden(Pods, nameOf(pod), `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`)
    }
    setOwn(merged, key, value)
  }
  if (Object.keys(merged).length > 0) pod.spec.nodeSelector = merged
}

const setScheduling = (pod: Pod, { scheduling }: RuntimeClass): void => {
  if (!scheduling) return
  mergeNodeSelector(pod, scheduling)
  const own = pod.spec.tolerations ?? []
  const added = (scheduling.tolerations ?? []).filter((each) => !own.some((other) => deepEqual(each, other)))
  if (added.length > 0) pod.spec.tolerations = [...own, ...deepCopy(added)]
}

const isNewPod = ({ operation, kind, subresource }: AdmissionAttributes): boolean => operation === 'CREATE' && kind === Pods && subresource === ''

export const runtimeClassAdmission: AdmissionPlugin = {
  name: 'RuntimeClass',
  handles: isNewPod,
  mutate: ({ object }, context) => {
    const pod = object as Pod
    const found = classOf(pod, context)
    if (!found) return
    setOverhead(pod, found)
    setScheduling(pod, found)
  },
  validate: ({ object }, context) => {
    const pod = object as Pod
    const overhead = classOf(pod, context)?.overhead
    if (overhead && !semanticEqual(pod.spec.overhead, overhead.podFixed)) throw forbidden(Pods, nameOf(pod), mismatch)
    if (!overhead && Object.keys(pod.spec.overhead ?? {}).length > 0) throw forbidden(Pods, nameOf(pod), 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead')
  },
}
