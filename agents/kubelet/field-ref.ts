/** The downward API: values of a pod's own fields and resources. Mirrors pkg/fieldpath and pkg/api/v1/resource. Pure. */
import { parseQuantity, toMilli, toWhole } from '../../src/api/quantity.ts'
import type { Container, ObjectFieldSelector, Pod, ResourceFieldSelector } from '../../src/api/types.ts'

/** What is known of the pod and its node beside the object itself. */
export interface DownwardFacts {
  podIPs: readonly string[]
  hostIPs: readonly string[]
  nodeName: string
  /** The node's allocatable resources: the limits of containers that have none. */
  allocatable: Readonly<Record<string, string>>
}

// As fmt's %v of a sorted map, one `key="value"` a line.
const formatMap = (map: Record<string, string> | undefined): string =>
  Object.entries(map ?? {}).sort(([left], [right]) => (left < right ? -1 : 1)).map(([key, value]) => `${key}=${JSON.stringify(value)}`).join('\n')

/** Throws for a path that upstream does not support either. */
export const fieldValue = (pod: Pod, { fieldPath }: ObjectFieldSelector, facts: DownwardFacts): string => {
  const subscript = /^(metadata\.(?:annotations|labels))\['(.*)'\]$/.exec(fieldPath)
  if (subscript) {
    const map = subscript[1] === 'metadata.labels' ? pod.metadata.labels : pod.metadata.annotations
    const key = subscript[2] ?? ''
    return Object.hasOwn(map ?? {}, key) ? (map?.[key] ?? '') : ''
  }
  switch (fieldPath) {
    case 'metadata.name': return pod.metadata.name
    case 'metadata.namespace': return pod.metadata.namespace ?? ''
    case 'metadata.uid': return pod.metadata.uid
    case 'metadata.labels': return formatMap(pod.metadata.labels)
    case 'metadata.annotations': return formatMap(pod.metadata.annotations)
    case 'spec.nodeName': return pod.spec.nodeName ?? facts.nodeName
    case 'spec.serviceAccountName': return pod.spec.serviceAccountName ?? ''
    case 'status.podIP': return facts.podIPs[0] ?? ''
    case 'status.podIPs': return facts.podIPs.join(',')
    case 'status.hostIP': return facts.hostIPs[0] ?? ''
    case 'status.hostIPs': return facts.hostIPs.join(',')
    default: throw new Error(`unsupported fieldPath: ${fieldPath}`)
  }
}

/** `limits.cpu` and its like, in units of the divisor, rounded up. `container`: the one that asks, unless the selector names another. */
export const resourceValue = (pod: Pod, { containerName, resource, divisor }: ResourceFieldSelector, container: Container | undefined, allocatable: Readonly<Record<string, string>>): string => {
  const of = containerName ? [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find(({ name }) => name === containerName) : container
  if (!of) throw new Error(`container ${containerName ?? ''} not found`)
  const match = /^(limits|requests)\.(cpu|memory|ephemeral-storage|hugepages-.+)$/.exec(resource)
  if (!match) throw new Error(`unsupported container resource : ${resource}`)
  const [, list = '', name = ''] = match
  const { limits, requests } = of.resources ?? {}
  const amount = list === 'limits' ? (limits?.[name] ?? pod.spec.resources?.limits?.[name] ?? allocatable[name] ?? '0') : (requests?.[name] ?? '0')
  const unit = divisor === undefined || divisor === '' || divisor === '0' ? '1' : divisor
  return name === 'cpu' ? ratio(toMilli(amount), toMilli(unit)) : ratio(toWhole(amount), toWhole(parseQuantity(unit)))
}

const ratio = (amount: bigint, unit: bigint): string => String(unit === 0n ? amount : (amount + unit - 1n) / unit)
