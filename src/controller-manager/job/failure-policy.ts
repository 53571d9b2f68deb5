/** What a failed pod means to its Job. Mirrors pkg/controller/job/pod_failure_policy.go. */
import type { ContainerStatus, Job, Pod, PodFailurePolicyRule } from '../../api/types.ts'

/** `count`: towards the backoff limit; `ignore`: as if it had never been; `failIndex`: its index is not tried again; `failJob`: the Job ends, for this reason. */
export type FailureVerdict = { action: 'count' } | { action: 'ignore' } | { action: 'failIndex' } | { action: 'failJob'; message: string }

const terminated = ({ status }: Pod): ContainerStatus[] =>
  [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])].filter(({ state }) => state?.terminated !== undefined && state.terminated.exitCode !== 0)

const exitMessage = (rule: PodFailurePolicyRule, pod: Pod): string | undefined => {
  const wanted = rule.onExitCodes
  if (!wanted) return undefined
  const found = terminated(pod).find(({ name, state }) => (wanted.containerName === undefined || wanted.containerName === name)
    && (wanted.values ?? []).includes(state?.terminated?.exitCode ?? 0) === (wanted.operator === 'In'))
  return found && `Container ${found.name} for pod ${pod.metadata.namespace}/${pod.metadata.name} failed with exit code ${found.state?.terminated?.exitCode}`
}

const conditionMessage = (rule: PodFailurePolicyRule, pod: Pod): string | undefined => {
  const found = pod.status.conditions?.find(({ type, status }) => rule.onPodConditions?.some((each) => each.type === type && (each.status ?? 'True') === status))
  return found && `Pod ${pod.metadata.namespace}/${pod.metadata.name} has condition ${found.type}`
}

/** The first rule that matches decides; without one the failure counts. */
export const judgeFailure = ({ spec }: Job, pod: Pod): FailureVerdict => {
  const rules = spec.podFailurePolicy?.rules ?? []
  for (const [index, rule] of rules.entries()) {
    const message = exitMessage(rule, pod) ?? conditionMessage(rule, pod)
    if (message === undefined) continue
    if (rule.action === 'Ignore') return { action: 'ignore' }
    if (rule.action === 'FailIndex' && spec.backoffLimitPerIndex !== undefined) return { action: 'failIndex' }
    return rule.action === 'FailJob' ? { action: 'failJob', message: `${message} matching ${rule.action} rule at index ${index}` } : { action: 'count' }
  }
  return { action: 'count' }
}
