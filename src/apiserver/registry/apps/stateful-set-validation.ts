/** Mirrors ValidateStatefulSet, ValidateStatefulSetUpdate and ValidateStatefulSetStatusUpdate of upstream's `pkg/apis/apps/validation`. */
import { semanticEqual } from '../../../api/equal.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { RollingUpdateStatefulSetStrategy, StatefulSet, StatefulSetPersistentVolumeClaimRetentionPolicy, StatefulSetSpec, StatefulSetUpdateStrategy } from '../../../api/types.ts'
import { checkClaimSpec } from '../core/persistent-volume-claim-validation.ts'
import { checkPodTemplate } from '../core/pod-spec-validation.ts'
import { checkAtMost100Percent, checkDnsLabel, checkEach, checkIntOrPercent, checkNonNegative, intOrPercentValue } from '../field-checks.ts'
import { checkLabelSelector, checkSelectorMatches, isEmptySelector, usableSelector } from '../label-checks.ts'
import { checkCollisionCount } from './template-checks.ts'
import { withClaimVolumes } from './volume-claim-templates.ts'

const checkManagement = (path: string, policy: string | undefined): FieldError[] => {
  if (!policy) return [fieldError.required(path)]
  return ['OrderedReady', 'Parallel'].includes(policy) ? [] : [fieldError.invalid(path, policy, "must be 'OrderedReady' or 'Parallel'")]
}

const checkRollingUpdate = (path: string, { partition, maxUnavailable }: RollingUpdateStatefulSetStrategy): FieldError[] => [
  ...checkNonNegative(`${path}.partition`, partition),
  ...(maxUnavailable === undefined ? [] : [
    ...checkIntOrPercent(`${path}.maxUnavailable`, maxUnavailable),
    ...(intOrPercentValue(maxUnavailable) === 0 ? [fieldError.invalid(`${path}.maxUnavailable`, maxUnavailable, 'cannot be 0')] : []),
    ...checkAtMost100Percent(`${path}.maxUnavailable`, maxUnavailable),
  ]),
]

const checkUpdateStrategy = (path: string, strategy: StatefulSetUpdateStrategy): FieldError[] => {
  const { type, rollingUpdate } = strategy
  switch (type) {
    case undefined:
    case '': return [fieldError.required(path)]
    case 'OnDelete': return rollingUpdate ? [fieldError.invalid(`${path}.rollingUpdate`, rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'")] : []
    case 'RollingUpdate': return rollingUpdate ? checkRollingUpdate(`${path}.rollingUpdate`, rollingUpdate) : []
    default: return [fieldError.invalid(path, strategy, "must be 'RollingUpdate' or 'OnDelete'")]
  }
}

const checkRetention = (path: string, policy: StatefulSetPersistentVolumeClaimRetentionPolicy | undefined): FieldError[] => (policy ? (['whenDeleted', 'whenScaled'] as const)
  .filter((field) => !['Retain', 'Delete'].includes(policy[field] ?? '')).map((field) => fieldError.notSupported(`${path}.${field}`, policy[field] ?? '', ['Retain', 'Delete'])) : [])

const checkSelector = (path: string, { selector }: StatefulSetSpec): FieldError[] => {
  if (!selector) return [fieldError.required(path)]
  return [...checkLabelSelector(path, selector), ...(isEmptySelector(selector) ? [fieldError.invalid(path, selector, 'empty selector is invalid for statefulset')] : [])]
}

const checkTemplate = (path: string, { selector, template, volumeClaimTemplates }: StatefulSetSpec): FieldError[] => {
  const usable = usableSelector(selector)
  const { spec } = template
  return [
    ...(usable ? [...checkSelectorMatches(path, usable, template.metadata?.labels), ...checkPodTemplate(path, withClaimVolumes(template, volumeClaimTemplates))] : [fieldError.invalid('spec.selector', selector, '')]),
    ...(spec?.restartPolicy === 'Always' ? [] : [fieldError.notSupported(`${path}.spec.restartPolicy`, spec?.restartPolicy ?? '', ['Always'])]),
    ...(spec?.activeDeadlineSeconds === undefined ? [] : [fieldError.forbidden(`${path}.spec.activeDeadlineSeconds`, 'activeDeadlineSeconds in StatefulSet is not Supported')]),
  ]
}

const checkSpec = (spec: StatefulSetSpec): FieldError[] => [
  ...checkManagement('spec.podManagementPolicy', spec.podManagementPolicy),
  ...checkUpdateStrategy('spec.updateStrategy', spec.updateStrategy ?? {}),
  ...checkRetention('spec.persistentVolumeClaimRetentionPolicy', spec.persistentVolumeClaimRetentionPolicy),
  ...checkNonNegative('spec.replicas', spec.replicas),
  ...checkNonNegative('spec.minReadySeconds', spec.minReadySeconds),
  ...checkNonNegative('spec.ordinals.start', spec.ordinals?.start),
  ...checkSelector('spec.selector', spec),
  ...checkTemplate('spec.template', spec),
]

const checkServiceName = ({ serviceName }: StatefulSetSpec): FieldError[] => (serviceName ? checkDnsLabel('spec.serviceName', serviceName) : [])

// What claims that could never be made would ask for is told when the set is made, not when its first pod is.
const checkClaims = ({ volumeClaimTemplates }: StatefulSetSpec): FieldError[] => checkEach('spec.volumeClaimTemplates', volumeClaimTemplates, ({ spec }, at) => checkClaimSpec(`${at}.spec`, spec))

export const checkStatefulSet = ({ spec }: StatefulSet): FieldError[] => [...checkServiceName(spec), ...checkSpec(spec), ...checkClaims(spec)]

const mutable = ['replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy', 'minReadySeconds'] as const

const fixedPart = (spec: StatefulSetSpec): unknown => {
  const rest: Partial<StatefulSetSpec> = { ...spec }
  for (const field of mutable) delete rest[field]
  return rest
}

export const checkStatefulSetUpdate = ({ spec: next }: StatefulSet, { spec: old }: StatefulSet): FieldError[] => [
  ...(next.serviceName === old.serviceName ? [] : checkServiceName(next)),
  ...checkSpec(next),
  ...(semanticEqual(fixedPart(next), fixedPart(old)) ? [] : [fieldError.forbidden('spec',
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden")]),
]

const counters = ['replicas', 'readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas', 'observedGeneration'] as const
const bounded = ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'] as const

export const checkStatefulSetStatus = ({ status: next }: StatefulSet, { status: old }: StatefulSet): FieldError[] => {
  const { availableReplicas = 0, readyReplicas = 0 } = next
  return [
    ...counters.flatMap((name) => checkNonNegative(`status.${name}`, next[name])),
    ...bounded.filter((name) => (next[name] ?? 0) > next.replicas).map((name) => fieldError.invalid(`status.${name}`, next[name], 'cannot be greater than status.replicas')),
    ...(availableReplicas > readyReplicas ? [fieldError.invalid('status.availableReplicas', availableReplicas, 'cannot be greater than status.readyReplicas')] : []),
    ...checkCollisionCount(next.collisionCount, old.collisionCount),
  ]
}
