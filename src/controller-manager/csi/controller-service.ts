/** The controller services of CSI drivers: on which node each can be called, and how. The socket is a file of that node, so its kubelet passes the call on. */
import { controllersAnnotation } from '../../api/csi-capability.ts'
import { CSIDrivers, CSINodes, Leases, Nodes } from '../../api/kinds.ts'
import type { CSINode, Node, PersistentVolume } from '../../api/types.ts'
import type { Client } from '../../client/client.ts'
import type { World } from '../../client/controller.ts'
import { text } from '../../client/watch.ts'

export type Method = 'CreateVolume' | 'DeleteVolume' | 'ControllerPublishVolume' | 'ControllerUnpublishVolume' | 'ControllerExpandVolume' | 'ControllerModifyVolume' | 'GetCapacity'

/** What a driver refused, in the words of Go's gRPC. */
export class CallError extends Error {
  override readonly name = 'CallError'
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

export interface ControllerService {
  /** Rejects with a CallError. */
  call<Answer>(site: Site, method: Method, request: object): Promise<Answer>
  /** Whether a sidecar of the driver's own deployment does this work: it holds the lease of its leader. */
  isTaken(lease: string, now: Date): Promise<boolean>
}

export interface Site { driver: string; node: string; capabilities: readonly string[] }

const slackMilliseconds = 60_000

export const controllerService = (client: Client): ControllerService => ({
  async call<Answer>({ driver, node }: Site, method: Method, request: object): Promise<Answer> {
    const body = Buffer.from(JSON.stringify({ driver, method, request }))
    const response = await client.raw({ method: 'POST', path: `/api/v1/nodes/${encodeURIComponent(node)}/proxy/wherry/csi`, headers: { 'content-type': 'application/json', accept: 'application/json' }, body })
    const said = await text(response.body)
    if (response.status !== 200) throw new CallError('Unavailable', `the kubelet of node ${node} answered ${response.status}: ${said.slice(0, 300)}`)
    const { answer, error } = JSON.parse(said) as { answer?: Answer; error?: { code: string; message: string } }
    if (error) throw new CallError(error.code, error.message)
    return answer as Answer
  },
  async isTaken(lease, now) {
    const { items } = await client.list(Leases, { fieldSelector: `metadata.name=${lease}` })
    return items.some(({ spec }) => Boolean(spec.holderIdentity) && now.getTime() - Date.parse(spec.renewTime ?? '') < (spec.leaseDurationSeconds ?? 15) * 1000 + slackMilliseconds)
  },
})

const offered = ({ metadata }: CSINode): Record<string, readonly string[]> => {
  const written = metadata.annotations?.[controllersAnnotation]
  if (written === undefined) return {}
  try {
    const parsed: unknown = JSON.parse(written)
    return typeof parsed === 'object' && parsed !== null ? Object.fromEntries(Object.entries(parsed).filter(([, list]) => Array.isArray(list))) as Record<string, readonly string[]> : {}
  } catch { return {} } // somebody else's writing: nothing is offered by it
}

const isReady = ({ status }: Node): boolean => (status.conditions ?? []).some(({ type, status: is }) => type === 'Ready' && is === 'True')

/** Where the driver's controller service is, by name of node; nowhere when its CSIDriver says that others call it. */
export const sitesOf = (driver: string, world: World): Site[] => {
  if (world.get(CSIDrivers, driver)?.metadata.annotations?.[controllersAnnotation] === 'external') return []
  return world.list(CSINodes).flatMap((each) => {
    const all = offered(each)
    const capabilities = Object.hasOwn(all, driver) ? all[driver] : undefined
    const node = capabilities && world.get(Nodes, each.metadata.name)
    return capabilities && node && isReady(node) ? [{ driver, node: each.metadata.name, capabilities }] : []
  }).sort((a, b) => (a.node < b.node ? -1 : 1))
}

/** A node's place in the driver's topology: its labels of the keys that the driver has named there. */
export const segmentsOf = (driver: string, node: string, world: World): Record<string, string> | undefined => {
  const keys = world.get(CSINodes, node)?.spec.drivers?.find(({ name }) => name === driver)?.topologyKeys
  const labels = world.get(Nodes, node)?.metadata.labels ?? {}
  if (!keys || keys.length === 0 || keys.some((key) => labels[key] === undefined)) return undefined
  return Object.fromEntries(keys.map((key) => [key, labels[key] ?? '']))
}

const reaches = ({ spec }: PersistentVolume, site: Site, world: World): boolean => {
  const terms = spec.nodeAffinity?.required?.nodeSelectorTerms
  const labels = world.get(Nodes, site.node)?.metadata.labels ?? {}
  return !terms || terms.some(({ matchExpressions = [] }) => matchExpressions.every(({ key, operator, values = [] }) => operator === 'In' && values.includes(labels[key] ?? '')))
}

/** The one to ask about a volume: near it, where the driver has its controller on several nodes. */
export const siteOfVolume = (driver: string, volume: PersistentVolume, world: World): Site | undefined => {
  const sites = sitesOf(driver, world)
  return sites.find((site) => reaches(volume, site, world)) ?? sites[0]
}
