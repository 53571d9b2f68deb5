/** A CSI driver that is registered on this node. */
import path from 'node:path'
import { type Line, type Service } from './line.ts'

/** Where drivers' manifests believe every kubelet to be. */
export const usualRoot = '/var/lib/kubelet'

export type NodeCapability = 'STAGE_UNSTAGE_VOLUME' | 'GET_VOLUME_STATS' | 'EXPAND_VOLUME' | 'VOLUME_CONDITION' | 'SINGLE_NODE_MULTI_WRITER' | 'VOLUME_MOUNT_GROUP'

export interface Driver {
  name: string
  /** Absent: it has no node service here, only a controller's. */
  node?: DriverNode
  /** What its controller service can do, if it has one: `CREATE_DELETE_VOLUME`, and for expansion `EXPAND_VOLUME`. */
  controller: readonly string[]
  /** `VOLUME_ACCESSIBILITY_CONSTRAINTS` and the like. */
  plugin: readonly string[]
  call<Answer>(service: Service, method: string, request: object, signal?: AbortSignal): Promise<Answer>
  /** A path of this kubelet as the driver knows it. */
  seen(at: string): string
}

export interface DriverNode { nodeId: string; maxVolumes: number; topology: Readonly<Record<string, string>>; capabilities: ReadonlySet<string> }

/** A path below the usual root is one below this kubelet's own. */
export const ownPath = (at: string, root: string): string => (at === usualRoot || at.startsWith(`${usualRoot}/`) ? path.join(root, at.slice(usualRoot.length)) : at)

const below = (at: string, root: string): boolean => at === root || at.startsWith(`${root}/`)

/** A driver that names its socket by the usual root lives in a pod that has this kubelet's root there: it is told of paths as they are in its pod. */
export const pathsOf = (endpoint: string, root: string): Driver['seen'] => (below(endpoint, usualRoot) && !below(endpoint, root) ? (at) => (below(at, root) ? path.join(usualRoot, at.slice(root.length)) : at) : (at) => at)

interface Rpc { rpc?: { type: string } }

const capabilities = async (line: Line, service: Service, method: string): Promise<string[]> =>
  (await line.call<{ capabilities: Rpc[] }>(service, method, {})).capabilities.flatMap(({ rpc }) => (rpc ? [rpc.type] : []))

interface PluginCapability { service?: { type: string }; volume_expansion?: { type: string } }

/** Asks the driver what it is. Rejects with what it answers when that is an error; a service that it does not have is none. */
export const describeDriver = async (line: Line, { name, endpoint, root }: { name: string; endpoint: string; root: string }, isUnimplemented: (error: unknown) => boolean): Promise<Driver> => {
  const unless = <T>(otherwise: T) => (error: unknown): T => { if (isUnimplemented(error)) return otherwise; throw error }
  const plugin = (await line.call<{ capabilities: PluginCapability[] }>('csi.v1.Identity', 'GetPluginCapabilities', {}).catch(unless({ capabilities: [] }))).capabilities.flatMap(({ service }) => (service ? [service.type] : []))
  const controller = plugin.includes('CONTROLLER_SERVICE') ? await capabilities(line, 'csi.v1.Controller', 'ControllerGetCapabilities').catch(unless([])) : []
  const info = await line.call<{ node_id: string; max_volumes_per_node: string; accessible_topology: { segments: Record<string, string> } | null }>('csi.v1.Node', 'NodeGetInfo', {}).catch(unless(undefined))
  if (info && info.node_id === '') throw new Error(`failed to get CSI driver ${name}: NodeGetInfo answered an empty node_id`)
  const node = info && {
    nodeId: info.node_id, maxVolumes: Number(info.max_volumes_per_node), topology: info.accessible_topology?.segments ?? {},
    capabilities: new Set(await capabilities(line, 'csi.v1.Node', 'NodeGetCapabilities').catch(unless([]))),
  }
  return { name, ...(node && { node }), controller, plugin, seen: pathsOf(endpoint, root), call: (service, method, request, signal) => line.call(service, method, request, signal && { signal }) }
}
