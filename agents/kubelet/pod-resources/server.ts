/** Tells programs of this machine, at pod-resources/kubelet.sock, which devices and CPUs which container has. Mirrors pkg/kubelet/apis/podresources (server_v1.go). */
import path from 'node:path'
import type { Clock } from '../../../src/api/clock.ts'
import type { Container, Pod } from '../../../src/api/types.ts'
import type { Log } from '../../../src/client/component.ts'
import { parseCpuSet } from '../cpu-manager/cpu-set.ts'
import type { DeviceInstance } from '../devices/manager.ts'
import { GrpcRefusal, serveSocket } from '../grpc/socket-server.ts'
import type { Machine } from '../pod-run.ts'
import { rateLimit } from '../rate-limit.ts'
import { podResourcesSchema } from './schema.ts'

export interface PodResourcesOptions {
  socket: string
  machine: Pick<Machine, 'devices' | 'cpus'>
  /** Those that run, or may. */
  pods(): readonly Pod[]
  clock: Clock
  log: Log
}

/** DefaultQPS and DefaultBurstTokens of upstream's limiter. */
const mostAsked = { perSecond: 100, burst: 10 }

export const podResourcesSocket = (root: string): string => path.join(root, 'pod-resources', 'kubelet.sock')

const deviceOf = ({ resource, id, nodes }: DeviceInstance): object => ({ resource_name: resource, device_ids: [id], topology: nodes.length === 0 ? null : { nodes: nodes.map((ID) => ({ ID })) } })

export const podResources = ({ metadata: { uid, name, namespace }, spec }: Pod, { devices, cpus }: PodResourcesOptions['machine']): object => {
  const containers: Container[] = [...(spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always'), ...spec.containers]
  return {
    name, namespace: namespace ?? '', containers: containers.map((container) => {
      const pin = cpus.pinOf(uid, container.name)
      return { name: container.name, devices: devices.instancesOf(uid, container.name).map(deviceOf), cpu_ids: pin?.exclusive ? parseCpuSet(pin.cpus) ?? [] : [], memory: [] }
    }),
  }
}

/** Serves until `signal` aborts. */
export const servePodResources = async ({ socket, machine, pods, clock, log }: PodResourcesOptions, signal: AbortSignal): Promise<void> => {
  const mayAsk = rateLimit(mostAsked, clock)
  const limited = <Request>(answer: (request: Request) => object) => (request: Request): object => {
    if (!mayAsk()) throw new GrpcRefusal('RESOURCE_EXHAUSTED', 'rejected by rate limit')
    return answer(request)
  }
  const services = { 'v1.PodResourcesLister': {
    List: limited(() => ({ pod_resources: pods().map((pod) => podResources(pod, machine)) })),
    GetAllocatableResources: limited(() => ({ devices: machine.devices.allocatable().map(deviceOf), cpu_ids: machine.cpus.allocatable(), memory: [] })),
    Get: limited(({ pod_name: name, pod_namespace: namespace }: { pod_name: string; pod_namespace: string }) => {
      const pod = pods().find(({ metadata }) => metadata.name === name && (metadata.namespace ?? '') === namespace)
      if (!pod) throw new Error(`pod ${name} in namespace ${namespace} not found`)
      return { pod_resources: podResources(pod, machine) }
    }),
  } }
  await serveSocket({ socket, schema: podResourcesSchema, services, log }, signal)
}
