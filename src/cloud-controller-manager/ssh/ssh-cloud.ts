/** The cloud that Wherry ships: machines with sshd, and nodes in network namespaces of this one. */
import type { Node } from '../../api/types.ts'
import type { Cloud, InstanceMetadata, Instances } from '../cloud.ts'
import { providerIDOf } from './destination.ts'
import { findNamespace, type Machine, type RunOn } from './machine.ts'
import { sshRoutes } from './routes.ts'

export interface SshCloudOptions {
  /** As they are now; asked anew for each question. */
  machines(): readonly Machine[]
  run: RunOn
  /** Whether a destination lies in the cluster's range of pod addresses. */
  isOurs(destinationCIDR: string): boolean
}

export const machineProviderID = ({ name, reach }: Machine): string => (reach.by === 'ssh' ? providerIDOf(reach.destination) : `local://${name}`)

/** What `node.kubernetes.io/instance-type` says. */
const instanceTypes: Record<Machine['reach']['by'], string> = { here: 'machine', namespace: 'namespace', ssh: 'ssh' }

export const instanceTypeOf = ({ reach }: Machine): string => instanceTypes[reach.by]

const metadataOf = (machine: Machine): InstanceMetadata => ({
  providerID: machineProviderID(machine), instanceType: instanceTypeOf(machine),
  addresses: [{ type: 'InternalIP', address: machine.address }, { type: 'Hostname', address: machine.name }],
})

/** Nodes of other makers are left alone. */
export const isMachineOfOurs = (node: Node, machines: readonly Machine[]): boolean => machines.some(({ name }) => name === node.metadata.name) || /^(ssh|local):\/\//.test(node.spec.providerID ?? '')

const instances = ({ machines }: SshCloudOptions): Instances => {
  const find = (node: Node): Machine | undefined => machines().find(({ name }) => name === node.metadata.name)
  return {
    // A machine that does not answer may be cut off or be starting: only one that has been removed from the cluster is gone.
    exists: async (node) => find(node) !== undefined,
    isShutdown: async (node) => {
      const reach = find(node)?.reach
      return reach?.by === 'namespace' && (await findNamespace(reach.path)) === undefined
    },
    metadata: async (node) => {
      const machine = find(node)
      if (!machine) throw new Error(`node ${node.metadata.name} is none of the machines of this cluster`)
      return metadataOf(machine)
    },
  }
}

export const sshCloud = (options: SshCloudOptions): Cloud => ({ name: 'ssh', instances: instances(options), routes: sshRoutes(options) })
