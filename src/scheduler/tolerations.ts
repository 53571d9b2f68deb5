/** Whether a pod's tolerations cover a node's taints. Mirrors component-helpers `scheduling/corev1/helpers.go`. */
import type { Taint, Toleration } from '../api/types.ts'

export const tolerates = ({ key = '', operator = 'Equal', value = '', effect = '' }: Toleration, taint: Taint): boolean =>
  (effect === '' || effect === taint.effect) && (key === '' || key === taint.key) && (operator === 'Exists' || (operator === 'Equal' && key !== '' && value === (taint.value ?? '')))

/** The first taint with one of these effects that no toleration covers. */
export const untolerated = (taints: readonly Taint[], tolerations: readonly Toleration[], effects: readonly string[]): Taint | undefined =>
  taints.find((taint) => effects.includes(taint.effect) && !tolerations.some((toleration) => tolerates(toleration, taint)))

/** Effects that keep pods away. */
export const repelling: readonly string[] = ['NoSchedule', 'NoExecute']
