/** Annotations that mean something to pods. Mirrors ValidatePodSpecificAnnotations and ValidatePodSpecificAnnotationUpdates of upstream's core validation. */
import { fieldError, type FieldError } from '../../../api/status.ts'
import { maxInt32 } from '../field-checks.ts'

type Annotations = Readonly<Record<string, string>> | undefined

/** Set by the kubelet on the mirror of a static pod. */
export const mirrorAnnotation = 'kubernetes.io/config.mirror'
const deletionCost = 'controller.kubernetes.io/pod-deletion-cost'

const valueOf = (annotations: Annotations, key: string): string | undefined => (annotations && Object.hasOwn(annotations, key) ? annotations[key] : undefined)

const isInt32 = (text: string): boolean => /^(?:0|-?[1-9]\d*)$/.test(text) && Number(text) <= maxInt32 && Number(text) >= -maxInt32 - 1

export const checkPodAnnotations = (path: string, annotations: Annotations, nodeName: string | undefined): FieldError[] => {
  const mirror = valueOf(annotations, mirrorAnnotation)
  const cost = valueOf(annotations, deletionCost)
  return [
    ...(mirror !== undefined && !nodeName ? [fieldError.invalid(`${path}[${mirrorAnnotation}]`, mirror, 'must set spec.nodeName if mirror pod annotation is set')] : []),
    ...(cost !== undefined && !isInt32(cost) ? [fieldError.invalid(`${path}[${deletionCost}]`, cost, 'must be a 32bit integer')] : []),
  ]
}

export const checkPodAnnotationUpdates = (path: string, next: Annotations, old: Annotations): FieldError[] => {
  const [is, was] = [valueOf(next, mirrorAnnotation), valueOf(old, mirrorAnnotation)]
  if (is === was) return []
  return [fieldError.forbidden(`${path}[${mirrorAnnotation}]`, was === undefined ? 'may not add mirror pod annotation' : 'may not remove or update mirror pod annotation')]
}
