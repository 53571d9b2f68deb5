/** `wherry cloud-controller-manager`: flags as upstream's, with the cloud "ssh" built in. */
import { hostname } from 'node:os'
import { cloudControllerManager } from '../../cloud-controller-manager/cloud-controller-manager.ts'
import { runOn } from '../../cloud-controller-manager/ssh/machine.ts'
import { isMachineOfOurs, sshCloud } from '../../cloud-controller-manager/ssh/ssh-cloud.ts'
import { parseFlags } from '../flags.ts'
import { overlaps } from '../preflight.ts'
import { machinesFile } from '../ssh/machines.ts'
import { UserError } from '../user-error.ts'
import { accessByFile, clientParts } from './client-parts.ts'

const known = ['cloud-provider', 'kubeconfig', 'cluster-cidr', 'cluster-name', 'machines', 'ssh-directory', 'ssh-sockets', 'secure-port', 'leader-elect']

export const runCloudControllerManager = async (args: readonly string[], signal: AbortSignal): Promise<void> => {
  const flags = parseFlags('cloud-controller-manager', known, args)
  const provider = flags.get('cloud-provider') ?? 'ssh'
  if (provider !== 'ssh') throw new UserError(`wherry cloud-controller-manager: cloud provider ${JSON.stringify(provider)} is not supported; only "ssh" is`, 2)
  const { client, clock, random, log } = clientParts('cloud-controller-manager', accessByFile(flags.need('kubeconfig')), signal)
  const clusterCIDR = flags.need('cluster-cidr')
  const isOurs = (destination: string): boolean => overlaps(destination, clusterCIDR)
  const machines = machinesFile(flags.need('machines'))
  const cloud = sshCloud({ machines, isOurs, run: runOn({ directory: flags.need('ssh-directory'), sockets: flags.need('ssh-sockets') }) })
  const election = flags.get('leader-elect') === 'true' ? { leaderElection: { identity: `${hostname()}_${random.uuid()}` } } : {}
  await cloudControllerManager({ client, clock, random, log, cloud, options: {
    clusterName: flags.get('cluster-name') ?? 'wherry', isOurs: (node) => isMachineOfOurs(node, machines()), ownsDestination: isOurs, health: { host: '127.0.0.1', port: flags.number('secure-port', 10_258) }, ...election,
  } }).run(signal)
}
