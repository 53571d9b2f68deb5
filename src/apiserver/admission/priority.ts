/** A pod's priority is its class's value. Mirrors `plugin/pkg/admission/priority`. */
import { Pods, PriorityClasses } from '../../api/kinds.ts'
import { forbidden } from '../../api/status.ts'
import type { Pod, PriorityClass } from '../../api/types.ts'
import type { Lookup } from '../registry/strategy.ts'
import type { AdmissionPlugin } from './plugin.ts'

const defaultClass = (lookup: Lookup): PriorityClass | undefined =>
  // Of several defaults the one with the smallest value counts, as upstream.
  lookup.list(PriorityClasses).filter(({ globalDefault }) => globalDefault).toSorted((a, b) => (a.value ?? 0) - (b.value ?? 0))[0]

const nameOf = (pod: Pod): string => pod.metadata.name || (pod.metadata.generateName ?? '')

export const priorityAdmission: AdmissionPlugin = {
  name: 'Priority',
  handles: ({ operation, kind, subresource }) => kind === Pods && subresource === '' && (operation === 'CREATE' || operation === 'UPDATE'),
  mutate: ({ operation, object, oldObject }, { lookup }) => {
    const pod = object as Pod
    if (operation === 'UPDATE') {
      // Clients of before priorities existed leave the field out when they replace a pod.
      pod.spec.priority ??= (oldObject as Pod).spec.priority
      return
    }
    const asked = pod.spec.priorityClassName
    const found = asked ? lookup.get(PriorityClasses, asked) : defaultClass(lookup)
    if (asked && !found) throw forbidden(Pods, nameOf(pod), `no PriorityClass with name ${asked} was found`)
    const value = found?.value ?? 0
    if (pod.spec.priority !== undefined && pod.spec.priority !== value) {
      throw forbidden(Pods, nameOf(pod), `the integer value of priority (${pod.spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`)
    }
    const policy = found?.preemptionPolicy ?? 'PreemptLowerPriority'
    if (pod.spec.preemptionPolicy !== undefined && pod.spec.preemptionPolicy !== policy) {
      throw forbidden(Pods, nameOf(pod), `the string value of PreemptionPolicy (${pod.spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`)
    }
    if (found) pod.spec.priorityClassName = found.metadata.name
    pod.spec.priority = value
    pod.spec.preemptionPolicy = policy
  },
}
