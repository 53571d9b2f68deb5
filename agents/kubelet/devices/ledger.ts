/** Whose devices are whose. Mirrors pkg/kubelet/cm/devicemanager/pod_devices.go. */
import type { DeviceEntry } from './checkpoint.ts'
import type { ContainerAnswer } from './schema.ts'

/** Devices by NUMA node, -1 for those of none, as they were when they were given. */
export interface Given { devices: Readonly<Record<string, readonly string[]>>; answer: ContainerAnswer }

export const idsOf = ({ devices }: Given): string[] => [...new Set(Object.values(devices).flat())]

export interface Ledger {
  /** By resource. */
  of(podUid: string, container: string): ReadonlyMap<string, Given>
  give(podUid: string, container: string, resource: string, given: Given): void
  /** Answers whether it had any. */
  release(podUid: string): boolean
  pods(): string[]
  resources(): Set<string>
  inUse(resource: string): Set<string>
  entries(write: (answer: ContainerAnswer) => Buffer): DeviceEntry[]
}

type Containers = Map<string, Map<string, Given>>

export const ledger = (): Ledger => {
  const pods = new Map<string, Containers>()
  const all = (): { podUid: string; container: string; resource: string; given: Given }[] => [...pods].flatMap(([podUid, containers]) =>
    [...containers].flatMap(([container, resources]) => [...resources].map(([resource, given]) => ({ podUid, container, resource, given }))))
  return {
    of: (podUid, container) => pods.get(podUid)?.get(container) ?? new Map<string, Given>(),
    give(podUid, container, resource, given) {
      const containers = pods.get(podUid) ?? new Map<string, Map<string, Given>>()
      pods.set(podUid, containers.set(container, new Map(containers.get(container)).set(resource, given)))
    },
    release: (podUid) => pods.delete(podUid),
    pods: () => [...pods.keys()],
    resources: () => new Set(all().map(({ resource }) => resource)),
    inUse: (wanted) => new Set(all().flatMap(({ resource, given }) => (resource === wanted ? idsOf(given) : []))),
    entries: (write) => all().map(({ podUid, container, resource, given }) => ({ podUid, container, resource, devices: given.devices, answer: write(given.answer).toString('base64') })),
  }
}
