/** Whom a proxy request means: `[scheme:]name[:port]` as an address, which the dial guard has still to judge. Mirrors ResourceLocation of `pkg/registry/core/{node,pod,service}`. Pure. */
import { isIP } from 'node:net'
import { EndpointSlices, Nodes, Pods, Services } from '../../api/kinds.ts'
import type { Random } from '../../api/random.ts'
import { badRequest, notFound, serviceUnavailable } from '../../api/status.ts'
import type { EndpointSlice, Pod } from '../../api/types.ts'
import type { Lookup } from '../registry/strategy.ts'
import { addressNotAllowed } from './dial-guard.ts'
import { addressOf, kubeletAddress } from './kubelet-access.ts'

export interface Target { scheme: 'http' | 'https'; name: string; port: string }

export interface Backend { scheme: 'http' | 'https'; host: string; port: number; /** The kubelet and the control plane's own ports know us by our certificate, as we know theirs. */ trusted?: boolean }

/** `https:web:8443` → its parts; 400 for anything else (net.SplitSchemeNamePort). */
export const splitTarget = (text: string, resource: string): Target => {
  const parts = text.split(':')
  const [scheme, name, port] = parts.length === 3 ? parts : ['', ...parts]
  if (parts.length > 3 || !name || !['http', 'https', ''].includes(scheme ?? '')) throw badRequest(`invalid ${resource} request ${JSON.stringify(text)}`)
  return { scheme: scheme === 'https' ? 'https' : 'http', name, port: port ?? '' }
}

/** Secure ports of the controller managers and the scheduler. */
const controlPlanePorts: readonly number[] = [10_257, 10_258, 10_259]

/** A number; what is none is no port of anybody's, in the words of Go's dialer. */
const portNumber = (port: string): number => {
  if (/^\d{1,5}$/.test(port) && Number(port) <= 65_535) return Number(port)
  throw serviceUnavailable(`error trying to reach service: dial tcp: ${/^\d+$/.test(port) ? `address ${port}: invalid port` : `lookup tcp/${port}: unknown port`}`)
}

export const nodeBackend = (lookup: Lookup, { scheme, name, port }: Target): Backend => {
  const kubelet = kubeletAddress(lookup, name)
  if (port === '' || port === String(kubelet.port)) return { scheme: 'https', ...kubelet, trusted: true }
  if (scheme === 'https' && controlPlanePorts.includes(Number(port))) return { scheme, host: kubelet.host, port: Number(port), trusted: true }
  const node = lookup.get(Nodes, name)
  return { scheme, host: node ? addressOf(node) : kubelet.host, port: portNumber(port) }
}

const podAddresses = ({ status }: Pod): string[] => [...(status.podIPs ?? []).map(({ ip }) => ip), ...(status.podIP ? [status.podIP] : [])]

/** Without a port: the first that the pod declares, or the scheme's own. A name is that of a container's port. */
export const podBackend = (lookup: Lookup, namespace: string, { scheme, name, port }: Target): Backend => {
  const pod = lookup.get(Pods, name, namespace)
  if (!pod) throw notFound(Pods, name)
  const [host = ''] = podAddresses(pod)
  if (isIP(host) === 0) throw addressNotAllowed()
  const declared = pod.spec.containers.flatMap((container) => container.ports ?? [])
  const usual = scheme === 'https' ? 443 : 80
  return { scheme, host, port: port === '' ? (declared[0]?.containerPort ?? usual) : (declared.find((each) => each.name === port)?.containerPort ?? portNumber(port)) }
}

/** Only a pod's own address is one that this server goes to: slices, which many may write, could name any. */
const isPodsAddress = (lookup: Lookup, slice: EndpointSlice, endpoint: NonNullable<EndpointSlice['endpoints']>[number], address: string): boolean => {
  const { kind, name, namespace } = endpoint.targetRef ?? {}
  if (kind !== 'Pod' || !name || namespace !== slice.metadata.namespace || isIP(address) === 0) return false
  const pod = lookup.get(Pods, name, namespace)
  return pod !== undefined && podAddresses(pod).includes(address)
}

/** A ready endpoint of the Service's port, any of them. The port is the Service's number or name; none is the port without a name. */
export const serviceBackend = (lookup: Lookup, { namespace, random }: { namespace: string; random: Random }, { scheme, name, port }: Target): Backend => {
  const service = lookup.get(Services, name, namespace)
  if (!service) throw notFound(Services, name)
  let portName = port
  if (/^\d+$/.test(port)) {
    const numbered = (service.spec.ports ?? []).find((each) => each.port === Number(port))
    if (!numbered) throw serviceUnavailable(`no service port ${port} found for service ${JSON.stringify(name)}`)
    portName = numbered.name ?? ''
  }
  const slices = lookup.list(EndpointSlices, namespace).filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name)
  const candidates = slices.flatMap((slice) => {
    const number = (slice.ports ?? []).find((each) => (each.name ?? '') === portName)?.port
    if (number === undefined) return []
    return (slice.endpoints ?? []).filter(({ conditions }) => conditions?.ready ?? true)
      .flatMap((endpoint) => endpoint.addresses.filter((address) => isPodsAddress(lookup, slice, endpoint, address)).map((host) => ({ host, port: number })))
  })
  const picked = candidates[Math.floor(random.next() * candidates.length)]
  if (!picked) throw serviceUnavailable(`no endpoints available for service ${JSON.stringify(name)}`)
  return { scheme, ...picked }
}
