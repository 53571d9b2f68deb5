/** Jobs on creation and update. Mirrors ValidateJob and ValidateJobUpdate of upstream's `pkg/apis/batch/validation`. */
import { deepCopy } from '../../../api/equal.ts'
import { isDns1123Label } from '../../../api/names.ts'
import { selectorMatches } from '../../../api/selector.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { Job, JobSpec, PodTemplateSpec } from '../../../api/types.ts'
import { checkPodTemplate } from '../core/pod-spec-validation.ts'
import { checkImmutable, checkNonNegative, checkOptionalOneOf } from '../field-checks.ts'
import { checkLabelSelector, checkSelectorMatches, usableSelector } from '../label-checks.ts'
import { generatedLabels } from './job-selector.ts'
import { checkPodFailurePolicy, checkSuccessPolicy } from './pod-failure-policy-validation.ts'

const maxIndexedParallelism = 100_000
const maxFailedIndexes = 100_000
const manyCompletions = 100_000
const limitsWithManyCompletions = 10_000

const checkGeneratedSelector = ({ metadata, spec }: Job): FieldError[] => {
  if (spec.manualSelector || !spec.selector) return []
  const expected = generatedLabels(metadata)
  const usable = usableSelector(spec.selector)
  return [
    ...Object.entries(expected).flatMap(([key, value]) => {
      const labels = spec.template.metadata?.labels ?? {}
      const path = `spec.template.metadata.labels[${key}]`
      if (!Object.hasOwn(labels, key)) return [fieldError.required(path, `must be '${value}'`)]
      return labels[key] === value ? [] : [fieldError.invalid(path, labels, `must be '${value}'`)]
    }),
    ...(usable && !selectorMatches(usable, expected) ? [fieldError.invalid('spec.selector', spec.selector, '`selector` not auto-generated')] : []),
  ]
}

const checkIndexed = ({ completions, parallelism, maxFailedIndexes: maxFailed, backoffLimitPerIndex }: JobSpec): FieldError[] => {
  const many = completions !== undefined && completions > manyCompletions && backoffLimitPerIndex !== undefined
  const withMany = `must be less than or equal to ${limitsWithManyCompletions} when completions are above ${manyCompletions} and used with backoff limit per index`
  return [
    ...(completions === undefined ? [fieldError.required('spec.completions', 'when completion mode is Indexed')] : []),
    ...(parallelism !== undefined && parallelism > maxIndexedParallelism ? [fieldError.invalid('spec.parallelism', parallelism, `must be less than or equal to ${maxIndexedParallelism} when completion mode is Indexed`)] : []),
    ...(completions !== undefined && maxFailed !== undefined && maxFailed > completions ? [fieldError.invalid('spec.maxFailedIndexes', maxFailed, 'must be less than or equal to completions')] : []),
    ...(maxFailed !== undefined && maxFailed > maxFailedIndexes ? [fieldError.invalid('spec.maxFailedIndexes', maxFailed, `must be less than or equal to ${maxFailedIndexes}`)] : []),
    ...(many && maxFailed === undefined ? [fieldError.required('spec.maxFailedIndexes', `must be specified when completions is above ${manyCompletions}`)] : []),
    ...(many && parallelism !== undefined && parallelism > limitsWithManyCompletions ? [fieldError.invalid('spec.parallelism', parallelism, withMany)] : []),
    ...(many && maxFailed !== undefined && maxFailed > limitsWithManyCompletions ? [fieldError.invalid('spec.maxFailedIndexes', maxFailed, withMany)] : []),
  ]
}

const checkCompletionMode = (spec: JobSpec): FieldError[] => {
  if (spec.completionMode === 'Indexed') return checkIndexed(spec)
  return (['backoffLimitPerIndex', 'maxFailedIndexes'] as const).filter((field) => spec[field] !== undefined).map((field) => fieldError.invalid(`spec.${field}`, spec[field], 'requires indexed completion mode'))
}

const checkRestartPolicy = ({ template, podFailurePolicy }: JobSpec): FieldError[] => {
  const path = 'spec.template.spec.restartPolicy'
  const policy = template.spec?.restartPolicy
  if (!policy || policy === 'Always') return [fieldError.required(path, 'valid values: "OnFailure", "Never"')]
  if (policy !== 'OnFailure' && policy !== 'Never') return [fieldError.notSupported(path, policy, ['OnFailure', 'Never'])]
  return podFailurePolicy && policy !== 'Never' ? [fieldError.invalid(path, policy, 'only "Never" is supported when podFailurePolicy is specified')] : []
}

const counts = ['parallelism', 'completions', 'activeDeadlineSeconds', 'backoffLimit', 'ttlSecondsAfterFinished', 'backoffLimitPerIndex', 'maxFailedIndexes'] as const

/** A Job's spec, or the one of a CronJob's template, which has no selector yet; paths begin with `spec`. */
export const checkSpecWithoutSelector = (spec: JobSpec): FieldError[] => [
  ...counts.flatMap((field) => checkNonNegative(`spec.${field}`, spec[field])),
  ...(spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined ? [fieldError.required('spec.backoffLimitPerIndex', 'when maxFailedIndexes is specified')] : []),
  ...(spec.managedBy !== undefined && !/^[a-z0-9.-]+\/.+$/.test(spec.managedBy) ? [fieldError.invalid('spec.managedBy', spec.managedBy, 'must be a domain-prefixed path (such as "acme.io/foo")')] : []),
  ...((spec.managedBy ?? '').length > 63 ? [fieldError.tooLong('spec.managedBy', 63)] : []),
  ...checkOptionalOneOf('spec.completionMode', spec.completionMode, ['NonIndexed', 'Indexed']),
  ...checkCompletionMode(spec),
  ...(spec.podFailurePolicy ? checkPodFailurePolicy('spec.podFailurePolicy', spec) : []),
  ...(spec.successPolicy ? checkSuccessPolicy('spec.successPolicy', spec) : []),
  ...checkOptionalOneOf('spec.podReplacementPolicy', spec.podReplacementPolicy, spec.podFailurePolicy ? ['Failed'] : ['Failed', 'TerminatingOrFailed']),
  ...checkPodTemplate('spec.template', spec.template),
  ...checkRestartPolicy(spec),
]

const checkSpec = (spec: JobSpec): FieldError[] => {
  const usable = usableSelector(spec.selector)
  return [
    ...checkSpecWithoutSelector(spec),
    ...(spec.selector ? checkLabelSelector('spec.selector', spec.selector) : [fieldError.required('spec.selector')]),
    ...(usable ? checkSelectorMatches('spec.template', usable, spec.template.metadata?.labels) : []),
  ]
}

export const checkJob = (job: Job): FieldError[] => {
  const { completionMode, completions = 0 } = job.spec
  const hostname = `${job.metadata.name}-${completions - 1}`
  return [
    ...checkGeneratedSelector(job),
    ...checkSpec(job.spec),
    ...(completionMode === 'Indexed' && completions > 0 && isDns1123Label(hostname).length > 0 ? [fieldError.invalid('metadata.name', job.metadata.name, `will not able to create pod with invalid DNS label: ${hostname}`)] : []),
  ]
}

/** `old` with those scheduling directives of `next` that a Job may change while it is suspended and was never started. */
const withDirectivesOf = (next: PodTemplateSpec, old: PodTemplateSpec): PodTemplateSpec => {
  const { affinity, nodeSelector, tolerations, schedulingGates } = next.spec ?? {}
  return deepCopy({
    ...old, metadata: { ...old.metadata, labels: next.metadata?.labels, annotations: next.metadata?.annotations },
    spec: { ...old.spec, nodeSelector, tolerations, schedulingGates, affinity: { ...old.spec?.affinity, nodeAffinity: affinity?.nodeAffinity } },
  } as PodTemplateSpec)
}

const isSuspendedUnstarted = ({ spec, status }: Job): boolean => spec.suspend === true && status.startTime === undefined

const checkCompletionsUpdate = (next: JobSpec, old: JobSpec): FieldError[] => {
  if (next.completionMode !== 'Indexed') return checkImmutable('spec.completions', next.completions, old.completions)
  if (next.completions === undefined || next.completions === old.completions || next.completions === next.parallelism) return []
  return [fieldError.invalid('spec.completions', next.completions, 'can only be modified in tandem with spec.parallelism')]
}

const immutable = ['selector', 'completionMode', 'podFailurePolicy', 'backoffLimitPerIndex', 'managedBy', 'successPolicy'] as const

export const checkJobUpdate = (next: Job, old: Job): FieldError[] => [
  ...checkSpec(next.spec),
  ...checkCompletionsUpdate(next.spec, old.spec),
  ...checkImmutable('spec.template', deepCopy(next.spec.template), isSuspendedUnstarted(old) ? withDirectivesOf(next.spec.template, old.spec.template) : old.spec.template),
  ...immutable.flatMap((field) => checkImmutable(`spec.${field}`, next.spec[field], old.spec[field])),
]
