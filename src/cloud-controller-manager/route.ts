/** A route to each node's pods, on every machine. Mirrors k8s.io/cloud-provider/controllers/route/route_controller.go. */
import { timestamp } from '../api/clock.ts'
import { Nodes } from '../api/kinds.ts'
import type { Node, NodeCondition } from '../api/types.ts'
import { type Action, updateStatus } from '../client/action.ts'
import { type Reconciler, watching } from '../client/controller.ts'
import type { EventRecorder } from '../client/events.ts'
import type { Cloud, Route, Routes } from './cloud.ts'

/** What only the cloud can do. */
export interface SyncRoutes { do: 'syncRoutes'; create: readonly { route: Route; node: Node }[]; remove: readonly Route[] }

/** All routes are looked at together: one key. */
const allRoutes = 'routes'

/** Routes may vanish from the machines without a word. Upstream's --route-reconciliation-period. */
const checkMilliseconds = 10_000

const rangesOf = ({ spec }: Node): readonly string[] => spec.podCIDRs ?? (spec.podCIDR ? [spec.podCIDR] : [])

const routesOf = (node: Node): Route[] => rangesOf(node).map((destinationCIDR) => ({
  name: `${node.metadata.name}-${destinationCIDR}`, targetNode: node.metadata.name, destinationCIDR, targetNodeAddresses: node.status.addresses ?? [],
}))

const addressText = ({ targetNodeAddresses = [] }: Route): string => targetNodeAddresses.filter(({ type }) => type === 'InternalIP').map(({ address }) => address).join()

/** A cloud that does not tell addresses is believed. */
const isThere = (wanted: Route, existing: readonly Route[]): boolean => existing.some((route) => route.targetNode === wanted.targetNode && route.destinationCIDR === wanted.destinationCIDR
  && !route.blackhole && (route.targetNodeAddresses === undefined || addressText(route) === addressText(wanted)))

const staying = (nodes: readonly Node[]): readonly Node[] => nodes.filter(({ metadata }) => metadata.deletionTimestamp === undefined)

/** Only routes into the cluster's own range are ours to remove. Undefined when there is nothing to do. */
export const planRoutes = (nodes: readonly Node[], existing: readonly Route[], isOurs: (destinationCIDR: string) => boolean): SyncRoutes | undefined => {
  const wanted = staying(nodes).flatMap((node) => routesOf(node).map((route) => ({ route, node })))
  const create = wanted.filter(({ route }) => !isThere(route, existing))
  const remove = existing.filter((route) => isOurs(route.destinationCIDR) && !wanted.some((each) => isThere(each.route, [route])))
  return create.length + remove.length > 0 ? { do: 'syncRoutes', create, remove } : undefined
}

const networkUnavailable = (unavailable: boolean, now: Date): NodeCondition => ({
  type: 'NetworkUnavailable', lastTransitionTime: timestamp(now), lastHeartbeatTime: timestamp(now),
  ...(unavailable ? { status: 'True', reason: 'NoRouteCreated', message: 'RouteController failed to create a route' } : { status: 'False', reason: 'RouteCreated', message: 'RouteController created a route' }),
})

/** A node with all its routes takes pods; one whose route could not be made takes none. Nothing is said before the first attempt. */
export const planConditions = (nodes: readonly Node[], existing: readonly Route[], at: { failed: ReadonlySet<string>; now: Date }): Action[] => staying(nodes).flatMap((node) => {
  const wanted = routesOf(node)
  const complete = wanted.length > 0 && wanted.every((route) => isThere(route, existing))
  if (!complete && !at.failed.has(node.metadata.name)) return []
  const conditions = node.status.conditions ?? []
  const next = networkUnavailable(!complete, at.now)
  if (conditions.find(({ type }) => type === next.type)?.status === next.status) return []
  return [updateStatus(Nodes, { ...node, status: { ...node.status, conditions: [...conditions.filter(({ type }) => type !== next.type), next] } })]
})

export interface RouteOptions {
  clusterName: string
  /** Whether a destination lies in the cluster's range of pod addresses. */
  isOurs(destinationCIDR: string): boolean
  recorder: EventRecorder
}

/** Every route is tried; the first failure is thrown when all are through. */
const sync = async (cloud: { routes: Routes }, { create, remove }: SyncRoutes, at: RouteOptions & { failed: Set<string>; signal: AbortSignal }): Promise<void> => {
  at.failed.clear()
  const removals = remove.map((route) => cloud.routes.remove(at.clusterName, route, at.signal))
  const creations = create.map(async ({ route, node }) => {
    try {
      await cloud.routes.create(at.clusterName, route, at.signal)
    } catch (error) {
      at.failed.add(node.metadata.name)
      const message = `Could not create route ${route.name} ${route.destinationCIDR} for node ${node.metadata.name}: ${error instanceof Error ? error.message : String(error)}`
      at.recorder.record(Nodes, node, { type: 'Warning', reason: 'FailedToCreateRoute', message })
      throw error
    }
  })
  const results = await Promise.allSettled([...removals, ...creations])
  const failed = results.find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
}

const routing = (node: Node): string => JSON.stringify([rangesOf(node), node.status.addresses])

export const routes = (cloud: Cloud & { routes: Routes }, options: RouteOptions): Reconciler<SyncRoutes> => {
  const failed = new Set<string>()
  return {
    name: 'route-controller',
    concurrency: 1,
    initialKeys: [allRoutes],
    watches: [watching(Nodes, () => [allRoutes], { matters: (node, previous) => !node || !previous || routing(node) !== routing(previous) })],
    async plan(_, world) {
      const nodes = world.list(Nodes)
      const existing = await cloud.routes.list(options.clusterName, AbortSignal.timeout(30_000))
      const change = planRoutes(nodes, existing, options.isOurs)
      return [...planConditions(nodes, existing, { failed, now: world.now }), ...(change ? [change] : []), { do: 'requeueAfter', milliseconds: change ? 0 : checkMilliseconds }]
    },
    executors: { syncRoutes: (change, signal) => sync(cloud, change, { ...options, failed, signal }) },
  }
}
