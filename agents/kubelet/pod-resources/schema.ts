/** The pod resources API (v1). Numbers are those of podresources/v1/api.proto. Pure. */
import { message, type Namespace } from '../grpc/shapes.ts'

const method = (requestType: string, responseType: string) => ({ requestType, responseType, comment: '' })

export const podResourcesSchema: Namespace = { nested: { v1: { nested: {
  NUMANode: message(['ID', 'int64', 1]), TopologyInfo: message(['nodes', '...NUMANode', 1]),
  ContainerDevices: message(['resource_name', 'string', 1], ['device_ids', '...string', 2], ['topology', 'TopologyInfo', 3]),
  ContainerMemory: message(['memory_type', 'string', 1], ['size', 'uint64', 2], ['topology', 'TopologyInfo', 3]),
  ContainerResources: message(['name', 'string', 1], ['devices', '...ContainerDevices', 2], ['cpu_ids', '...int64', 3], ['memory', '...ContainerMemory', 4]),
  PodResources: message(['name', 'string', 1], ['namespace', 'string', 2], ['containers', '...ContainerResources', 3]),
  ListPodResourcesRequest: message(), ListPodResourcesResponse: message(['pod_resources', '...PodResources', 1]),
  AllocatableResourcesRequest: message(), AllocatableResourcesResponse: message(['devices', '...ContainerDevices', 1], ['cpu_ids', '...int64', 2], ['memory', '...ContainerMemory', 3]),
  GetPodResourcesRequest: message(['pod_name', 'string', 1], ['pod_namespace', 'string', 2]), GetPodResourcesResponse: message(['pod_resources', 'PodResources', 1]),
  PodResourcesLister: { methods: {
    List: method('ListPodResourcesRequest', 'ListPodResourcesResponse'), GetAllocatableResources: method('AllocatableResourcesRequest', 'AllocatableResourcesResponse'), Get: method('GetPodResourcesRequest', 'GetPodResourcesResponse'),
  } },
} } } }
