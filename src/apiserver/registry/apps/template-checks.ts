/** What Deployments, ReplicaSets and DaemonSets ask of their templates, selectors and counters. Mirrors upstream's `pkg/apis/apps/validation`. */
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { LabelSelector, PodTemplateSpec } from '../../../api/types.ts'
import { checkPodTemplate } from '../core/pod-spec-validation.ts'
import { checkNonNegative } from '../field-checks.ts'
import { checkLabelSelector, checkSelectorMatches, isEmptySelector, usableSelector } from '../label-checks.ts'

/** Long-running workloads restart their pods always and give them no deadline; `owner` is the word in upstream's message. */
export const checkLongRunning = (path: string, { spec }: PodTemplateSpec, owner: 'ReplicaSet' | 'DaemonSet'): FieldError[] => [
  ...(spec?.restartPolicy === 'Always' ? [] : [fieldError.notSupported(`${path}.spec.restartPolicy`, spec?.restartPolicy ?? '', ['Always'])]),
  ...(spec?.activeDeadlineSeconds === undefined ? [] : [fieldError.forbidden(`${path}.spec.activeDeadlineSeconds`, `activeDeadlineSeconds in ${owner} is not Supported`)]),
]

/** The selector and template of a Deployment or a ReplicaSet. */
export const checkSelectorAndTemplate = (path: string, { selector, template }: { selector?: LabelSelector | undefined; template?: PodTemplateSpec | undefined }): FieldError[] => {
  const errors = selector ? [
    ...checkLabelSelector(`${path}.selector`, selector),
    ...(isEmptySelector(selector) ? [fieldError.invalid(`${path}.selector`, selector, 'empty selector is invalid for deployment')] : []),
  ] : [fieldError.required(`${path}.selector`)]
  const usable = usableSelector(selector)
  if (!usable) return [...errors, fieldError.invalid(`${path}.selector`, selector, 'invalid label selector')]
  if (!template) return [...errors, fieldError.required(`${path}.template`)]
  return [...errors, ...checkSelectorMatches(`${path}.template`, usable, template.metadata?.labels), ...checkPodTemplate(`${path}.template`, template), ...checkLongRunning(`${path}.template`, template, 'ReplicaSet')]
}

/** Counters of a status: none negative, and none of `bounded` above `status.replicas`. */
export const checkReplicaCounts = <K extends string>(status: Partial<Record<K | 'replicas' | 'readyReplicas' | 'availableReplicas', number | undefined>>, counters: readonly K[], bounded: readonly K[]): FieldError[] => {
  const count = (name: K | 'replicas' | 'readyReplicas' | 'availableReplicas'): number => status[name] ?? 0
  return [
    ...counters.flatMap((name) => checkNonNegative(`status.${name}`, status[name])),
    ...bounded.filter((name) => count(name) > count('replicas')).map((name) => fieldError.invalid(`status.${name}`, count(name), 'cannot be greater than status.replicas')),
    ...(count('availableReplicas') > count('readyReplicas') ? [fieldError.invalid('status.availableReplicas', count('availableReplicas'), 'cannot be greater than readyReplicas')] : []),
  ]
}

export const checkCollisionCount = (next: number | undefined, old: number | undefined): FieldError[] => [
  ...checkNonNegative('status.collisionCount', next),
  ...(old !== undefined && (next === undefined || next < old) ? [fieldError.invalid('status.collisionCount', next ?? 0, 'cannot be decremented')] : []),
]
