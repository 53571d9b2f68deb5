/** Whether a container starts again after it has exited. Mirrors kubecontainer.ShouldContainerBeRestarted with container-level restart policies and rules. */
import type { Container, Pod } from '../../src/api/types.ts'
import type { ContainerState } from './runtime/runtime.ts'

type Ended = Pick<ContainerState, 'exitCode'>

const policyOf = (pod: Pod, container?: Container): string => container?.restartPolicy ?? pod.spec.restartPolicy ?? 'Always'

/** Whether a failure would be followed by a restart, whatever the exit code says in rules. */
export const podMayRestart = (pod: Pod, container?: Container): boolean =>
  policyOf(pod, container) !== 'Never' || (container?.restartPolicyRules?.length ?? 0) > 0

/** Whether a container that ended so is restarted. */
export const restartsAfter = (pod: Pod, container: Container, { exitCode }: Ended): boolean => {
  const code = exitCode ?? 137
  const rule = container.restartPolicyRules?.find(({ exitCodes }) => exitCodes && (exitCodes.operator === 'In') === (exitCodes.values ?? []).includes(code))
  if (rule) return rule.action === 'Restart'
  const policy = policyOf(pod, container)
  return policy === 'Always' || (policy === 'OnFailure' && code !== 0)
}

/** The same for any state: what never ran, or is in doubt, may start. */
export const mayRestart = (pod: Pod, container: Container, state: ContainerState): boolean => {
  if (pod.metadata.deletionTimestamp) return false
  if (state.state === 'running') return false
  return state.state === 'created' || state.state === 'unknown' || restartsAfter(pod, container, state)
}
