/** As much of the Container Storage Interface (v1) and of the kubelet's plugin registration as is spoken here, in the form that protobufjs reads: no .proto file has to travel with the bundle. Numbers are those of csi.proto and pluginregistration/v1/api.proto. */
import { calls, choice, message, type Namespace, values } from '../grpc/shapes.ts'

const common = {
  VolumeCapability: { ...message(['block', 'BlockVolume', 1], ['mount', 'MountVolume', 2], ['access_mode', 'AccessMode', 3]), oneofs: { access_type: { oneof: ['block', 'mount'] } }, nested: {
    BlockVolume: message(), MountVolume: message(['fs_type', 'string', 1], ['mount_flags', '...string', 2], ['volume_mount_group', 'string', 3]),
    AccessMode: { ...message(['mode', 'Mode', 1]), nested: { Mode: values('UNKNOWN', 'SINGLE_NODE_WRITER', 'SINGLE_NODE_READER_ONLY', 'MULTI_NODE_READER_ONLY', 'MULTI_NODE_SINGLE_WRITER', 'MULTI_NODE_MULTI_WRITER', 'SINGLE_NODE_SINGLE_WRITER', 'SINGLE_NODE_MULTI_WRITER') } },
  } },
  CapacityRange: message(['required_bytes', 'int64', 1], ['limit_bytes', 'int64', 2]),
  Topology: message(['segments', '<>', 1]),
  TopologyRequirement: message(['requisite', '...Topology', 1], ['preferred', '...Topology', 2]),
  VolumeContentSource: { ...choice('type', ['snapshot', 'SnapshotSource', 1], ['volume', 'VolumeSource', 2]), nested: { SnapshotSource: message(['snapshot_id', 'string', 1]), VolumeSource: message(['volume_id', 'string', 1]) } },
  Volume: message(['capacity_bytes', 'int64', 1], ['volume_id', 'string', 2], ['volume_context', '<>', 3], ['content_source', 'VolumeContentSource', 4], ['accessible_topology', '...Topology', 5]),
}

const identity = {
  GetPluginInfoRequest: message(), GetPluginInfoResponse: message(['name', 'string', 1], ['vendor_version', 'string', 2], ['manifest', '<>', 3]),
  GetPluginCapabilitiesRequest: message(), GetPluginCapabilitiesResponse: message(['capabilities', '...PluginCapability', 1]),
  PluginCapability: { ...choice('type', ['service', 'Service', 1], ['volume_expansion', 'VolumeExpansion', 2]), nested: {
    Service: { ...message(['type', 'Type', 1]), nested: { Type: values('UNKNOWN', 'CONTROLLER_SERVICE', 'VOLUME_ACCESSIBILITY_CONSTRAINTS', 'GROUP_CONTROLLER_SERVICE') } },
    VolumeExpansion: { ...message(['type', 'Type', 1]), nested: { Type: values('UNKNOWN', 'ONLINE', 'OFFLINE') } },
  } },
  Identity: calls('GetPluginInfo', 'GetPluginCapabilities'),
}

const rpc = (...names: string[]) => ({ ...choice('type', ['rpc', 'RPC', 1]), nested: { RPC: { ...message(['type', 'Type', 1]), nested: { Type: values('UNKNOWN', ...names) } } } })

const controller = {
  ControllerGetCapabilitiesRequest: message(), ControllerGetCapabilitiesResponse: message(['capabilities', '...ControllerServiceCapability', 1]),
  ControllerServiceCapability: rpc('CREATE_DELETE_VOLUME', 'PUBLISH_UNPUBLISH_VOLUME', 'LIST_VOLUMES', 'GET_CAPACITY', 'CREATE_DELETE_SNAPSHOT', 'LIST_SNAPSHOTS', 'CLONE_VOLUME', 'PUBLISH_READONLY', 'EXPAND_VOLUME', 'LIST_VOLUMES_PUBLISHED_NODES',
    'VOLUME_CONDITION', 'GET_VOLUME', 'SINGLE_NODE_MULTI_WRITER', 'MODIFY_VOLUME', 'GET_SNAPSHOT'),
  CreateVolumeRequest: message(['name', 'string', 1], ['capacity_range', 'CapacityRange', 2], ['volume_capabilities', '...VolumeCapability', 3], ['parameters', '<>', 4], ['secrets', '<>', 5],
    ['volume_content_source', 'VolumeContentSource', 6], ['accessibility_requirements', 'TopologyRequirement', 7], ['mutable_parameters', '<>', 8]),
  CreateVolumeResponse: message(['volume', 'Volume', 1]),
  DeleteVolumeRequest: message(['volume_id', 'string', 1], ['secrets', '<>', 2]), DeleteVolumeResponse: message(),
  ControllerPublishVolumeRequest: message(['volume_id', 'string', 1], ['node_id', 'string', 2], ['volume_capability', 'VolumeCapability', 3], ['readonly', 'bool', 4], ['secrets', '<>', 5], ['volume_context', '<>', 6]),
  ControllerPublishVolumeResponse: message(['publish_context', '<>', 1]),
  ControllerUnpublishVolumeRequest: message(['volume_id', 'string', 1], ['node_id', 'string', 2], ['secrets', '<>', 3]), ControllerUnpublishVolumeResponse: message(),
  ControllerExpandVolumeRequest: message(['volume_id', 'string', 1], ['capacity_range', 'CapacityRange', 2], ['secrets', '<>', 3], ['volume_capability', 'VolumeCapability', 4]),
  ControllerExpandVolumeResponse: message(['capacity_bytes', 'int64', 1], ['node_expansion_required', 'bool', 2]),
  ControllerModifyVolumeRequest: message(['volume_id', 'string', 1], ['secrets', '<>', 2], ['mutable_parameters', '<>', 3]), ControllerModifyVolumeResponse: message(),
  GetCapacityRequest: message(['volume_capabilities', '...VolumeCapability', 1], ['parameters', '<>', 2], ['accessible_topology', 'Topology', 3]),
  GetCapacityResponse: message(['available_capacity', 'int64', 1]),
  Controller: calls('ControllerGetCapabilities', 'CreateVolume', 'DeleteVolume', 'ControllerPublishVolume', 'ControllerUnpublishVolume', 'ControllerExpandVolume', 'ControllerModifyVolume', 'GetCapacity'),
}

const node = {
  NodeGetInfoRequest: message(), NodeGetInfoResponse: message(['node_id', 'string', 1], ['max_volumes_per_node', 'int64', 2], ['accessible_topology', 'Topology', 3]),
  NodeGetCapabilitiesRequest: message(), NodeGetCapabilitiesResponse: message(['capabilities', '...NodeServiceCapability', 1]),
  NodeServiceCapability: rpc('STAGE_UNSTAGE_VOLUME', 'GET_VOLUME_STATS', 'EXPAND_VOLUME', 'VOLUME_CONDITION', 'SINGLE_NODE_MULTI_WRITER', 'VOLUME_MOUNT_GROUP'),
  NodeStageVolumeRequest: message(['volume_id', 'string', 1], ['publish_context', '<>', 2], ['staging_target_path', 'string', 3], ['volume_capability', 'VolumeCapability', 4], ['secrets', '<>', 5], ['volume_context', '<>', 6]),
  NodeStageVolumeResponse: message(),
  NodeUnstageVolumeRequest: message(['volume_id', 'string', 1], ['staging_target_path', 'string', 2]), NodeUnstageVolumeResponse: message(),
  NodePublishVolumeRequest: message(['volume_id', 'string', 1], ['publish_context', '<>', 2], ['staging_target_path', 'string', 3], ['target_path', 'string', 4], ['volume_capability', 'VolumeCapability', 5],
    ['readonly', 'bool', 6], ['secrets', '<>', 7], ['volume_context', '<>', 8]),
  NodePublishVolumeResponse: message(),
  NodeUnpublishVolumeRequest: message(['volume_id', 'string', 1], ['target_path', 'string', 2]), NodeUnpublishVolumeResponse: message(),
  NodeExpandVolumeRequest: message(['volume_id', 'string', 1], ['volume_path', 'string', 2], ['capacity_range', 'CapacityRange', 3], ['staging_target_path', 'string', 4], ['volume_capability', 'VolumeCapability', 5], ['secrets', '<>', 6]),
  NodeExpandVolumeResponse: message(['capacity_bytes', 'int64', 1]),
  NodeGetVolumeStatsRequest: message(['volume_id', 'string', 1], ['volume_path', 'string', 2], ['staging_target_path', 'string', 3]),
  NodeGetVolumeStatsResponse: message(['usage', '...VolumeUsage', 1], ['volume_condition', 'VolumeCondition', 2]),
  VolumeUsage: { ...message(['available', 'int64', 1], ['total', 'int64', 2], ['used', 'int64', 3], ['unit', 'Unit', 4]), nested: { Unit: values('UNKNOWN', 'BYTES', 'INODES') } },
  VolumeCondition: message(['abnormal', 'bool', 1], ['message', 'string', 2]),
  Node: calls('NodeGetInfo', 'NodeGetCapabilities', 'NodeStageVolume', 'NodeUnstageVolume', 'NodePublishVolume', 'NodeUnpublishVolume', 'NodeExpandVolume', 'NodeGetVolumeStats'),
}

const registration = {
  InfoRequest: message(), PluginInfo: message(['type', 'string', 1], ['name', 'string', 2], ['endpoint', 'string', 3], ['supported_versions', '...string', 4]),
  RegistrationStatus: message(['plugin_registered', 'bool', 1], ['error', 'string', 2]), RegistrationStatusResponse: message(),
  Registration: { methods: { GetInfo: { requestType: 'InfoRequest', responseType: 'PluginInfo', comment: '' }, NotifyRegistrationStatus: { requestType: 'RegistrationStatus', responseType: 'RegistrationStatusResponse', comment: '' } } },
}

export const csiSchema: Namespace = { nested: { csi: { nested: { v1: { nested: { ...common, ...identity, ...controller, ...node } } } }, pluginregistration: { nested: registration } } }

/** Of what is read: numbers of 64 bits and enumerations as texts, everything that was not sent at its default. */
export const csiEncoding = { keepCase: true, defaults: true, longs: String, enums: String, oneofs: true } as const
