/** New nodes learn from the cloud who they are, and then may take pods. Mirrors k8s.io/cloud-provider/controllers/node/node_controller.go. */
import { Nodes } from '../api/kinds.ts'
import { keyOf } from '../api/meta.ts'
import type { Node } from '../api/types.ts'
import { type Action, event, update, updateStatus } from '../client/action.ts'
import { type Reconciler, watching, type World } from '../client/controller.ts'
import type { Cloud, InstanceMetadata } from './cloud.ts'

/** Keeps pods away until the cloud has been asked; a kubelet with an external cloud provider registers with it. */
export const uninitializedTaint = 'node.cloudprovider.kubernetes.io/uninitialized'

/** Addresses that the cloud changes without telling anybody are looked at again after so long: upstream's --node-status-update-frequency. */
const addressCheckMilliseconds = 300_000

const providedAddress = 'alpha.kubernetes.io/provided-node-ip'

const isUninitialized = ({ spec }: Node): boolean => (spec.taints ?? []).some(({ key }) => key === uninitializedTaint)

const labelsFrom = ({ instanceType, zone, region, additionalLabels }: InstanceMetadata): Record<string, string> => ({
  ...additionalLabels,
  ...(instanceType && { 'node.kubernetes.io/instance-type': instanceType, 'beta.kubernetes.io/instance-type': instanceType }),
  ...(zone && { 'topology.kubernetes.io/zone': zone, 'failure-domain.beta.kubernetes.io/zone': zone }),
  ...(region && { 'topology.kubernetes.io/region': region, 'failure-domain.beta.kubernetes.io/region': region }),
})

/** The address that the kubelet was told to use comes first, if the cloud knows it. A host name of the kubelet's stays when the cloud has none. */
export const addressesOf = (node: Node, { addresses }: InstanceMetadata): InstanceMetadata['addresses'] => {
  const hostname = addresses.some(({ type }) => type === 'Hostname') ? [] : (node.status.addresses ?? []).filter(({ type }) => type === 'Hostname')
  const wanted = node.metadata.annotations?.[providedAddress]
  const all = [...addresses, ...hostname]
  if (wanted === undefined) return all
  const chosen = all.filter(({ address }) => address === wanted)
  if (chosen.length === 0) throw new Error(`failed to get node address from cloud provider that matches ip: ${wanted}`)
  return [...chosen, ...all.filter(({ address, type }) => address !== wanted && !chosen.some((each) => each.type === type))]
}

const sameAddresses = (a: InstanceMetadata['addresses'], b: InstanceMetadata['addresses'] = []): boolean =>
  a.length === b.length && a.every(({ type, address }, index) => b[index]?.type === type && b[index].address === address)

/** Provider id, labels, and no taint any more. What is there already is not replaced. */
const initialized = (node: Node, metadata: InstanceMetadata): Node => ({
  ...node,
  metadata: { ...node.metadata, labels: { ...node.metadata.labels, ...labelsFrom(metadata) } },
  spec: { ...node.spec, providerID: node.spec.providerID || metadata.providerID, taints: (node.spec.taints ?? []).filter(({ key }) => key !== uninitializedTaint) },
})

export const planCloudNode = (node: Node, metadata: InstanceMetadata): Action[] => {
  const addresses = addressesOf(node, metadata)
  const again: Action = { do: 'requeueAfter', milliseconds: addressCheckMilliseconds }
  const withAddresses = { ...node, status: { ...node.status, addresses: [...addresses] } }
  // The addresses come first: a node without them must not take pods.
  if (!sameAddresses(addresses, node.status.addresses)) return [updateStatus(Nodes, withAddresses), again]
  if (!isUninitialized(node)) return [again]
  return [update(Nodes, initialized(node, metadata), { then: () => [event(Nodes, node, { type: 'Normal', reason: 'Synced', message: 'Node synced successfully' })] }), again]
}

/** `isOurs`: nodes of other makers are left alone. */
export const cloudNodes = (cloud: Cloud, isOurs: (node: Node) => boolean): Reconciler => ({
  name: 'cloud-node-controller',
  watches: [watching(Nodes, (node) => [keyOf(node)])],
  async plan(name, world: World) {
    const node = world.get(Nodes, name)
    if (!node || node.metadata.deletionTimestamp !== undefined || !isOurs(node)) return []
    return planCloudNode(node, await cloud.instances.metadata(node, AbortSignal.timeout(30_000)))
  },
})
