/** What device plugins say that there is. Mirrors what the device manager keeps of resources (pkg/kubelet/cm/devicemanager/manager.go: GetCapacity, genericDeviceUpdateCallback). */
import type { Clock } from '../../../src/api/clock.ts'
import type { Endpoint } from './endpoint.ts'
import type { PluginDevice } from './schema.ts'

export interface DeviceFacts { health: string; nodes: readonly number[] }

export interface DeviceResource {
  devices: ReadonlyMap<string, DeviceFacts>
  /** undefined: it has not come since this kubelet began. */
  endpoint: Endpoint | undefined
  /** Since when its plugin is gone, of the monotonic clock; undefined: it is there. */
  stoppedAt: number | undefined
}

export interface Inventory {
  get(resource: string): DeviceResource | undefined
  /** Those whose plugin is there, or may come back. */
  list(): [string, DeviceResource][]
  /** In the plugin's order. */
  healthy(resource: string): string[]
  /** A plugin has come: it counts from now on, in place of any other. */
  connected(resource: string, endpoint: Endpoint | undefined): void
  /** `endpoint` says what it has; of one that does not count any more it is ignored, and the answer is false. */
  told(resource: string, endpoint: Endpoint, devices: readonly PluginDevice[]): boolean
  gone(resource: string, endpoint: Endpoint): boolean
  /** For the node's status: numbers by resource. What is not there any more has none. */
  capacity(): { capacity: Record<string, string>; allocatable: Record<string, string> }
}

/** endpointStopGracePeriod. */
const goneMilliseconds = 5 * 60_000
const healthyWord = 'Healthy'

export const inventory = (clock: Clock): Inventory => {
  const resources = new Map<string, DeviceResource>()
  const removed = new Set<string>()
  const prune = (): void => {
    for (const [name, { stoppedAt }] of resources) {
      if (stoppedAt === undefined || clock.monotonic() - stoppedAt < goneMilliseconds) continue
      resources.delete(name)
      removed.add(name)
    }
  }
  const healthy = (resource: string): string[] => {
    const found = resources.get(resource)
    return !found || found.stoppedAt !== undefined ? [] : [...found.devices].filter(([, { health }]) => health === healthyWord).map(([id]) => id)
  }
  return {
    get: (resource) => { prune(); return resources.get(resource) },
    list: () => { prune(); return [...resources] },
    healthy,
    connected(resource, endpoint) {
      const before = resources.get(resource)
      before?.endpoint?.close()
      removed.delete(resource)
      resources.set(resource, { devices: before?.devices ?? new Map<string, DeviceFacts>(), endpoint, stoppedAt: endpoint ? undefined : clock.monotonic() })
    },
    told(resource, endpoint, devices) {
      if (resources.get(resource)?.endpoint !== endpoint) return false
      resources.set(resource, { endpoint, stoppedAt: undefined, devices: new Map(devices.map(({ ID, health, topology }): [string, DeviceFacts] => [ID, { health, nodes: (topology?.nodes ?? []).map((node) => Number(node.ID)) }])) })
      return true
    },
    gone(resource, endpoint) {
      const found = resources.get(resource)
      if (found?.endpoint !== endpoint) return false
      resources.set(resource, { ...found, stoppedAt: clock.monotonic() })
      return true
    },
    capacity() {
      prune()
      const sizes = (size: (name: string, resource: DeviceResource) => number): Record<string, string> =>
        ({ ...Object.fromEntries([...removed].map((name) => [name, '0'])), ...Object.fromEntries([...resources].map(([name, resource]) => [name, String(size(name, resource))])) })
      return { capacity: sizes((_, { devices }) => devices.size), allocatable: sizes((name) => healthy(name).length) }
    },
  }
}
