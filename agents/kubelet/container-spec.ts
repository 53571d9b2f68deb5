/** What the runtime is told to start a container: everything resolved. Mirrors generateContainerConfig and pkg/kubelet/kuberuntime/security_context.go. Pure. */
import type { Container, Pod } from '../../src/api/types.ts'
import { ConfigError, type Environment } from './env.ts'
import { expand } from './expansion.ts'
import { imageCommand, type ResolvedImage } from './image.ts'
import { describePod } from './pod.ts'
import { containerLimits, oomScoreAdjust } from './resources.ts'
import type { Pin } from './cpu-manager/manager.ts'
import type { ContainerSpec, Mount, ResourceLimits, SeccompProfile } from './runtime/runtime.ts'

export interface ContainerFacts {
  attempt: number
  image: ResolvedImage
  environment: Environment
  mounts: readonly Mount[]
  logPath: string
  memoryCapacityBytes: number
  /** undefined: unconfined. */
  seccomp?: SeccompProfile | undefined
  /** The CPUs that it may run on. */
  pin?: Pin | undefined
}

/** Throws ConfigError for what cannot be run as it is wanted. */
export const containerSpec = (pod: Pod, container: Container, facts: ContainerFacts): ContainerSpec => {
  const env = [...facts.image.env.filter(({ name }) => !facts.environment.some((each) => each.name === name)), ...facts.environment]
  const values = new Map(env.map(({ name, value }) => [name, value]))
  const expanded = (words: readonly string[]): string[] => words.map((word) => expand(word, (name) => values.get(name)))
  const security = container.securityContext ?? {}
  const podSecurity = pod.spec.securityContext ?? {}
  const runAsUser = security.runAsUser ?? podSecurity.runAsUser ?? facts.image.user?.uid
  checkNonRoot(pod, container, { runAsUser, image: (security.runAsUser ?? podSecurity.runAsUser) === undefined ? facts.image.userName : undefined })
  const command = container.command?.length ? [...expanded(container.command), ...expanded(container.args ?? [])] : imageCommand(facts.image, expanded(container.args ?? []))
  if (command.length === 0) throw new ConfigError(`no command specified: image ${JSON.stringify(container.image ?? '')} has none of its own, set spec.containers[].command`)
  return {
    podUid: pod.metadata.uid, name: container.name, attempt: facts.attempt, image: facts.image.ref, shownImage: { name: facts.image.name ?? '', id: facts.image.id }, command,
    workingDir: container.workingDir || facts.image.workingDir || '/', env, mounts: facts.mounts,
    stdin: container.stdin ?? false, stdinOnce: container.stdinOnce ?? false, tty: container.tty ?? false,
    readOnlyRootFilesystem: security.readOnlyRootFilesystem ?? false, privileged: security.privileged ?? false,
    runAsUser, runAsGroup: security.runAsGroup ?? podSecurity.runAsGroup ?? facts.image.user?.gid,
    supplementalGroups: [...(podSecurity.supplementalGroups ?? []), ...(podSecurity.fsGroup === undefined ? [] : [podSecurity.fsGroup])],
    ...(podSecurity.supplementalGroupsPolicy === 'Strict' && { strictGroups: true }),
    capabilities: { add: security.capabilities?.add ?? [], drop: security.capabilities?.drop ?? [] },
    ...(security.procMount === 'Unmasked' && { unmaskedProc: true }),
    allowPrivilegeEscalation: security.allowPrivilegeEscalation ?? true, ...(facts.seccomp && { seccomp: facts.seccomp }),
    resources: limitsOf(containerLimits(container, pod.spec.resources?.limits), facts.pin?.exclusive ?? false), ...(facts.pin && { cpus: facts.pin.cpus }), oomScoreAdj: oomScoreAdjust(pod, container, facts.memoryCapacityBytes),
    terminationMessagePath: container.terminationMessagePath ?? '/dev/termination-log', logPath: facts.logPath,
    stopSignal: container.lifecycle?.stopSignal ?? facts.image.stopSignal ?? 'SIGTERM', ...targetOf(pod, container),
  }
}

/** As upstream: whoever has CPUs alone is not slowed down on them. */
export const limitsOf = ({ cpuQuotaMicroseconds: quota, cpuPeriodMicroseconds: period, ...others }: ResourceLimits, exclusive: boolean): ResourceLimits =>
  ({ ...others, ...(!exclusive && quota !== undefined && { cpuQuotaMicroseconds: quota }), ...(!exclusive && period !== undefined && { cpuPeriodMicroseconds: period }) })

/** Of an ephemeral container only. */
const targetOf = (pod: Pod, { name }: Container): Pick<ContainerSpec, 'targetContainer'> => {
  const target = pod.spec.ephemeralContainers?.find((each) => each.name === name)?.targetContainerName
  return target ? { targetContainer: target } : {}
}

/** Mirrors verifyRunAsNonRoot: a name says nothing of a user's number to whoever checks a pod. `image`: the image's user, where it is what counts. */
const checkNonRoot = (pod: Pod, container: Container, { runAsUser, image }: { runAsUser: number | undefined; image: string | undefined }): void => {
  if (!(container.securityContext?.runAsNonRoot ?? pod.spec.securityContext?.runAsNonRoot)) return
  const where = `(pod: ${JSON.stringify(describePod(pod))}, container: ${container.name})`
  if (image !== undefined && image !== '' && !/^\d+$/.test(image)) throw new ConfigError(`container has runAsNonRoot and image has non-numeric user (${image}), cannot verify user is non-root ${where}`)
  if (runAsUser === undefined || (image !== undefined && runAsUser === 0)) throw new ConfigError(`container has runAsNonRoot and image will run as root ${where}`)
  if (runAsUser === 0) throw new ConfigError(`container's runAsUser breaks non-root policy ${where}`)
}
