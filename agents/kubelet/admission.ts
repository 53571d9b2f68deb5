/** Whether this machine takes a pod that was bound to it. Mirrors pkg/kubelet/lifecycle/predicate.go, in its reasons and words. Pure. */
import { toMilli, toWhole } from '../../src/api/quantity.ts'
import type { Node, Pod, Taint, Toleration } from '../../src/api/types.ts'
import { appArmorProblem } from './apparmor.ts'
import { pressureMessage } from './eviction/messages.ts'
import { wantsNode } from './node-affinity.ts'
import { shutdownRejection } from './node-shutdown/node-shutdown.ts'
import { isCriticalPod, isStaticPod, qosClassOf } from './pod.ts'
import { addAmounts, type Amounts, podRequests } from './resources.ts'
import { rootlessProblem } from './rootless.ts'
import type { OwnUsers } from './runtime/proc/own-users.ts'
import { sysctlProblem } from './sysctls.ts'
import { unsupportedFields } from './unsupported.ts'

export interface Rejection { reason: string; message: string }

export interface AdmissionInput {
  pod: Pod
  /** Labels and taints as the API server has them, or as this kubelet would register them. */
  node: Node
  allocatable: Readonly<Record<string, string>>
  /** Pods that are here and have not ended. */
  others: readonly Pod[]
  /** What the node is short of. */
  pressures?: readonly string[]
  /** Whether the kernel has AppArmor. */
  appArmor?: boolean
  /** Whom this kubelet's processes can be; the machine's users if absent. */
  ownUsers?: OwnUsers
  shuttingDown?: boolean
  /** Sysctls that pods may set besides the safe ones. */
  allowedUnsafeSysctls?: readonly string[]
}

/** undefined: welcome. */
export const admit = (input: AdmissionInput): Rejection | undefined => {
  const { pod } = input
  const unsupported = unsupportedFields(pod)
  const appArmor = appArmorProblem(pod, input.appArmor ?? false)
  if (appArmor) return { reason: 'AppArmor', message: appArmor }
  const sysctls = sysctlProblem(pod, input.allowedUnsafeSysctls ?? [])
  if (sysctls) return { reason: 'SysctlForbidden', message: sysctls }
  if (unsupported) return unsupported
  const rootless = input.ownUsers && rootlessProblem(pod, input.ownUsers)
  if (rootless) return { reason: 'UnsupportedPodFeature', message: rootless }
  return underPressure(input) ?? (input.shuttingDown ? shutdownRejection : fits(input))
}

/** Short of memory only, the node takes what has asked for some; short of anything else, only what is critical. Mirrors eviction_manager.go's Admit. */
const underPressure = ({ pod, pressures = [] }: AdmissionInput): Rejection | undefined => {
  if (pressures.length === 0 || isCriticalPod(pod)) return undefined
  const onlyMemory = pressures.length === 1 && pressures[0] === 'MemoryPressure'
  const tolerated = (pod.spec.tolerations ?? []).some((toleration) => tolerates(toleration, { key: 'node.kubernetes.io/memory-pressure', effect: 'NoSchedule' }))
  return onlyMemory && (qosClassOf(pod) !== 'BestEffort' || tolerated) ? undefined : { reason: 'Evicted', message: pressureMessage(pressures) }
}

const tolerates = ({ effect, key, operator, value }: Toleration, taint: Taint): boolean =>
  (!effect || effect === taint.effect) && (!key || key === taint.key) && (operator === 'Exists' || (value ?? '') === (taint.value ?? ''))

/** What also a pod that is here already must hold when it asks for more. */
export const fits = (input: AdmissionInput): Rejection | undefined => {
  const { pod, node } = input
  if (pod.spec.nodeName && pod.spec.nodeName !== node.metadata.name) return predicate('NodeName', "node(s) didn't match the requested node name")
  const shortage = outOfResource(input)
  if (shortage) return shortage
  if (!wantsNode(pod, node)) return predicate('NodeAffinity', "node(s) didn't match Pod's node affinity/selector")
  if (portsClash(input)) return predicate('NodePorts', "node(s) didn't have free ports for the requested pod ports")
  return isStaticPod(pod) ? undefined : untolerated(pod, node)
}

const predicate = (reason: string, words: string): Rejection => ({ reason, message: `Predicate ${reason} failed: ${words}` })

const outOfResource = ({ pod, allocatable, others }: AdmissionInput): Rejection | undefined => {
  const wanted = podRequests(pod)
  const used = others.reduce<Amounts>((sum, other) => addAmounts(sum, podRequests(other)), {})
  const checks = [
    { name: 'pods', requested: 1n, used: BigInt(others.length), capacity: toWhole(allocatable['pods'] ?? '0') },
    // Extended resources that the node does not have at all are cluster-wide ones; the scheduler has seen to them.
    ...Object.keys(wanted).filter((name) => Object.hasOwn(allocatable, name) || name.startsWith('hugepages-')).map((name) => {
      const unit = name === 'cpu' ? toMilli : toWhole
      return { name, requested: unit(wanted[name] ?? '0'), used: unit(used[name] ?? '0'), capacity: unit(allocatable[name] ?? '0') }
    }),
  ]
  const short = checks.find(({ requested, used: taken, capacity }) => requested > 0n && requested + taken > capacity)
  return short && { reason: `OutOf${short.name}`, message: `Node didn't have enough resource: ${short.name}, requested: ${short.requested}, used: ${short.used}, capacity: ${short.capacity}` }
}

interface HostPort { port: number; protocol: string; ip: string }

const hostPortsOf = ({ spec }: Pod): HostPort[] => [...spec.containers, ...(spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')]
  .flatMap(({ ports = [] }) => ports)
  .flatMap(({ hostPort, containerPort, protocol, hostIP }) => {
    const port = hostPort ?? (spec.hostNetwork ? containerPort : undefined)
    return port ? [{ port, protocol: protocol ?? 'TCP', ip: hostIP || '0.0.0.0' }] : []
  })

const clash = (left: HostPort, right: HostPort): boolean =>
  left.port === right.port && left.protocol === right.protocol && (left.ip === right.ip || left.ip === '0.0.0.0' || right.ip === '0.0.0.0')

const portsClash = ({ pod, others }: AdmissionInput): boolean => {
  const wanted = hostPortsOf(pod)
  return wanted.length > 0 && others.some((other) => hostPortsOf(other).some((taken) => wanted.some((port) => clash(port, taken))))
}

const untolerated = (pod: Pod, node: Node): Rejection | undefined => {
  const taint = (node.spec.taints ?? []).find((each) => each.effect === 'NoExecute' && !(pod.spec.tolerations ?? []).some((toleration) => tolerates(toleration, each)))
  return taint && predicate('TaintToleration', `node(s) had untolerated taint(s)`)
}
