/** The device plugin API (v1beta1), both sides of it. Numbers are those of deviceplugin/v1beta1/api.proto. Pure. */
import { call, message, type Namespace } from '../grpc/shapes.ts'

const messages = {
  Empty: message(),
  DevicePluginOptions: message(['pre_start_required', 'bool', 1], ['get_preferred_allocation_available', 'bool', 2]),
  RegisterRequest: message(['version', 'string', 1], ['endpoint', 'string', 2], ['resource_name', 'string', 3], ['options', 'DevicePluginOptions', 4]),
  NUMANode: message(['ID', 'int64', 1]), TopologyInfo: message(['nodes', '...NUMANode', 1]),
  Device: message(['ID', 'string', 1], ['health', 'string', 2], ['topology', 'TopologyInfo', 3]),
  ListAndWatchResponse: message(['devices', '...Device', 1]),
  ContainerPreferredAllocationRequest: message(['available_deviceIDs', '...string', 1], ['must_include_deviceIDs', '...string', 2], ['allocation_size', 'int32', 3]),
  PreferredAllocationRequest: message(['container_requests', '...ContainerPreferredAllocationRequest', 1]),
  ContainerPreferredAllocationResponse: message(['deviceIDs', '...string', 1]),
  PreferredAllocationResponse: message(['container_responses', '...ContainerPreferredAllocationResponse', 1]),
  ContainerAllocateRequest: message(['devices_ids', '...string', 1]), AllocateRequest: message(['container_requests', '...ContainerAllocateRequest', 1]),
  Mount: message(['container_path', 'string', 1], ['host_path', 'string', 2], ['read_only', 'bool', 3]),
  DeviceSpec: message(['container_path', 'string', 1], ['host_path', 'string', 2], ['permissions', 'string', 3]),
  CDIDevice: message(['name', 'string', 1]),
  ContainerAllocateResponse: message(['envs', '<>', 1], ['mounts', '...Mount', 2], ['devices', '...DeviceSpec', 3], ['annotations', '<>', 4], ['cdi_devices', '...CDIDevice', 5]),
  AllocateResponse: message(['container_responses', '...ContainerAllocateResponse', 1]),
  PreStartContainerRequest: message(['devices_ids', '...string', 1]), PreStartContainerResponse: message(),
}

const services = {
  Registration: { methods: { Register: { requestType: 'RegisterRequest', responseType: 'Empty', comment: '' } } },
  DevicePlugin: { methods: {
    GetDevicePluginOptions: { requestType: 'Empty', responseType: 'DevicePluginOptions', comment: '' },
    ListAndWatch: { requestType: 'Empty', responseType: 'ListAndWatchResponse', responseStream: true, comment: '' },
    GetPreferredAllocation: call('PreferredAllocation'), Allocate: call('Allocate'), PreStartContainer: call('PreStartContainer'),
  } },
  /** Nobody serves it: it is how one answer is written into the checkpoint. */
  Checkpoint: { methods: { Keep: { requestType: 'ContainerAllocateResponse', responseType: 'ContainerAllocateResponse', comment: '' } } },
}

export const deviceSchema: Namespace = { nested: { v1beta1: { nested: { ...messages, ...services } } } }

export const apiVersion = 'v1beta1'

export interface DevicePluginOptions { pre_start_required: boolean; get_preferred_allocation_available: boolean }
export interface PluginDevice { ID: string; health: string; topology: { nodes: readonly { ID: string }[] } | null }
/** What a plugin wants its container to have. */
export interface ContainerAnswer {
  envs: Readonly<Record<string, string>>
  mounts: readonly { container_path: string; host_path: string; read_only: boolean }[]
  devices: readonly { container_path: string; host_path: string; permissions: string }[]
  annotations: Readonly<Record<string, string>>
  cdi_devices: readonly { name: string }[]
}
export interface RegisterRequest { version: string; endpoint: string; resource_name: string }
