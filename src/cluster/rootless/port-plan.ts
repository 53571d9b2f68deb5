/** Which ports of the machine lead into an unprivileged cluster: those that a node of it would have open for Services and for pods. Pure. */
import type { Pod, Service } from '../../api/types.ts'
import type { Destination } from './tunnel.ts'

export interface Door extends Destination {
  /** Of the machine; '0.0.0.0' for all that it has. */
  address: string
  /** On the machine. */
  outside: number
  /** Whose it is. */
  owner: Service | Pod
  /** What it is called when something is wrong with it. */
  name: string
}

export const doorKey = ({ protocol, address, outside }: Pick<Door, 'protocol' | 'address' | 'outside'>): string => `${protocol} ${address}:${outside}`

const isTunnelled = (protocol: string): protocol is 'TCP' | 'UDP' => protocol === 'TCP' || protocol === 'UDP'
const everywhere = '0.0.0.0'

const doorsOfService = (service: Service, node: string): Door[] => {
  const { type, ports = [], healthCheckNodePort } = service.spec
  if (type !== 'NodePort' && type !== 'LoadBalancer') return []
  const of = (protocol: string, port: number | undefined, name: string): Door[] => (port && isTunnelled(protocol) ? [{ protocol, address: everywhere, outside: port, host: node, port, owner: service, name: `${name} ${port}/${protocol}` }] : [])
  return [...ports.flatMap(({ protocol = 'TCP', nodePort }) => of(protocol, nodePort, 'node port')), ...of('TCP', healthCheckNodePort, 'health check node port')]
}

/** Where the pod runs, its ports are taken to it. Those of the host's network belong to a node's own namespace. */
const doorsOfPod = (pod: Pod): Door[] => {
  const host = pod.status?.hostIP
  if (pod.spec.hostNetwork || !host || pod.status.podIP === undefined || ['Succeeded', 'Failed'].includes(pod.status.phase ?? '')) return []
  return [...pod.spec.containers, ...(pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')].flatMap(({ ports = [] }) => ports.flatMap(({ protocol = 'TCP', hostPort, hostIP }) =>
    (hostPort && isTunnelled(protocol) ? [{ protocol, address: hostIP ? hostIP : everywhere, outside: hostPort, host, port: hostPort, owner: pod, name: `host port ${hostPort}/${protocol}` }] : [])))
}

/** By key. `node`: the address of the node that answers for Services. */
export const plannedDoors = ({ services, pods, node }: { services: readonly Service[]; pods: readonly Pod[]; node: string }): Map<string, Door> => {
  const doors = [...services.flatMap((service) => doorsOfService(service, node)), ...pods.flatMap(doorsOfPod)]
  // Of two that ask for the same one (a pod on each of two nodes), the one that was first by name keeps it.
  const sorted = doors.toSorted((one, other) => `${one.owner.metadata.namespace}/${one.owner.metadata.name}`.localeCompare(`${other.owner.metadata.namespace}/${other.owner.metadata.name}`))
  return new Map(sorted.toReversed().map((door) => [doorKey(door), door]))
}

export interface DoorChanges { close: string[]; open: Door[] }

/** What is open and leads elsewhere than it should is closed and opened anew. */
export const doorChanges = (open: ReadonlyMap<string, Destination>, planned: ReadonlyMap<string, Door>): DoorChanges => {
  const isRight = (key: string): boolean => { const [is, shall] = [open.get(key), planned.get(key)]; return is !== undefined && shall !== undefined && is.host === shall.host && is.port === shall.port }
  return { close: [...open.keys()].filter((key) => !isRight(key)), open: [...planned].filter(([key]) => !isRight(key)).map(([, door]) => door) }
}
