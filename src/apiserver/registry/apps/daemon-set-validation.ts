/** Mirrors ValidateDaemonSet and ValidateDaemonSetStatusUpdate of upstream's `pkg/apis/apps/validation`. */
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { DaemonSetSpec, DaemonSetStatus, DaemonSetUpdateStrategy, RollingUpdateDaemonSet } from '../../../api/types.ts'
import { checkPodTemplate } from '../core/pod-spec-validation.ts'
import { checkAtMost100Percent, checkIntOrPercent, checkNonNegative, intOrPercentValue } from '../field-checks.ts'
import { checkLabelSelector, checkSelectorMatches, isEmptySelector, usableSelector } from '../label-checks.ts'
import { checkCollisionCount, checkLongRunning } from './template-checks.ts'

const checkRollingUpdate = (path: string, { maxUnavailable = 0, maxSurge = 0 }: RollingUpdateDaemonSet): FieldError[] => {
  const [unavailable, surge] = [intOrPercentValue(maxUnavailable) !== 0, intOrPercentValue(maxSurge) !== 0]
  return [
    ...checkIntOrPercent(`${path}.maxUnavailable`, maxUnavailable),
    ...checkIntOrPercent(`${path}.maxSurge`, maxSurge),
    ...checkAtMost100Percent(`${path}.maxUnavailable`, maxUnavailable),
    ...checkAtMost100Percent(`${path}.maxSurge`, maxSurge),
    ...(unavailable && surge ? [fieldError.invalid(`${path}.maxSurge`, maxSurge, 'may not be set when `maxUnavailable` is non-zero')] : []),
    ...(!unavailable && !surge ? [fieldError.required(`${path}.maxUnavailable`, 'cannot be 0 when `maxSurge` is 0')] : []),
  ]
}

const checkUpdateStrategy = (path: string, strategy: DaemonSetUpdateStrategy): FieldError[] => {
  switch (strategy.type) {
    case 'OnDelete': return []
    case 'RollingUpdate': return strategy.rollingUpdate ? checkRollingUpdate(`${path}.rollingUpdate`, strategy.rollingUpdate) : [fieldError.required(`${path}.rollingUpdate`)]
    default: return [fieldError.notSupported(path, strategy, ['RollingUpdate', 'OnDelete'])]
  }
}

export const checkDaemonSetSpec = (spec: DaemonSetSpec): FieldError[] => {
  const { selector, template } = spec
  const usable = usableSelector(selector)
  return [
    ...(selector ? [] : [fieldError.required('spec.selector')]),
    ...checkPodTemplate('spec.template', template),
    ...checkLabelSelector('spec.selector', selector),
    ...(usable ? checkSelectorMatches('spec.template', usable, template.metadata?.labels) : []),
    ...(selector && isEmptySelector(selector) ? [fieldError.invalid('spec.selector', selector, 'empty selector is invalid for daemonset')] : []),
    ...checkLongRunning('spec.template', template, 'DaemonSet'),
    ...checkNonNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...checkUpdateStrategy('spec.updateStrategy', spec.updateStrategy ?? {}),
    ...checkNonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit),
  ]
}

const counters = ['currentNumberScheduled', 'numberMisscheduled', 'desiredNumberScheduled', 'numberReady', 'observedGeneration', 'updatedNumberScheduled', 'numberAvailable', 'numberUnavailable'] as const

export const checkDaemonSetStatus = (next: DaemonSetStatus, old: DaemonSetStatus): FieldError[] => [
  ...counters.flatMap((name) => checkNonNegative(`status.${name}`, next[name])),
  ...checkCollisionCount(next.collisionCount, old.collisionCount),
]
