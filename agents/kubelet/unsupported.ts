/** What a pod may ask for and this kubelet cannot give: refused by name, never ignored. Pure. */
import type { Container, Pod, PodSpec } from '../../src/api/types.ts'

const inContainer = (container: Container, path: string): string[] => {
  return [
    ...(container.volumeDevices?.length ? [`${path}.volumeDevices`] : []),
    ...(container.resources?.claims?.length ? [`${path}.resources.claims`] : []),
  ]
}

/** Places of host ports that iptables has no rule for here; in the host's own network none is needed. */
const sctpHostPorts = ({ ports = [] }: Container): number[] => ports.flatMap(({ hostPort, protocol }, index) => (hostPort && protocol === 'SCTP' ? [index] : []))

/** What a pod with users of its own cannot have beside them. */
const withOwnUsers = (spec: PodSpec): string[] => [
  ...(spec.hostNetwork ? ['spec.hostNetwork with spec.hostUsers'] : []), ...(spec.hostPID ? ['spec.hostPID with spec.hostUsers'] : []), ...(spec.hostIPC ? ['spec.hostIPC with spec.hostUsers'] : []),
  ...(spec.shareProcessNamespace ? ['spec.shareProcessNamespace with spec.hostUsers'] : []),
  ...([...(spec.initContainers ?? []), ...spec.containers].some(({ volumeMounts = [] }) => volumeMounts.some(({ mountPropagation }) => mountPropagation === 'Bidirectional')) ? ['volumeMounts[].mountPropagation with spec.hostUsers'] : []),
]

/** The paths of such fields. */
export const unsupportedFields = ({ spec }: Pod): string[] => [
  ...(spec.hostUsers === false ? withOwnUsers(spec) : []),
  ...(spec.resourceClaims?.length ? ['spec.resourceClaims'] : []),
  ...(spec.os?.name && spec.os.name !== 'linux' ? ['spec.os.name'] : []),
  // No driver can register itself with this kubelet.
  ...(spec.volumes ?? []).flatMap(({ csi }, index) => (csi ? [`spec.volumes[${index}].csi`] : [])),
  ...(['initContainers', 'containers'] as const).flatMap((list) => (spec[list] ?? []).flatMap((container, index) => [
    ...inContainer(container, `spec.${list}[${index}]`),
    ...(spec.hostNetwork ? [] : sctpHostPorts(container).map((port) => `spec.${list}[${index}].ports[${port}].hostPort`)),
  ])),
]
