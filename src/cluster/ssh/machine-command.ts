/** A joined machine as this one sees it: commands with the cluster's key, and the verbs of `wherry machine`. */
import path from 'node:path'
import type { Readable } from 'node:stream'
import { formatDestination, parseDestination, type Destination } from '../../cloud-controller-manager/ssh/destination.ts'
import { asRoot, closeConnection, runOnMachine, SshError } from '../../cloud-controller-manager/ssh/ssh.ts'
import type { ClusterConfig, NodeConfig } from '../config.ts'
import type { Home } from '../home.ts'
import { UserError } from '../user-error.ts'
import { machineHome, type MachineHome } from './machine-home.ts'
import { accessOf } from './machines.ts'
import type { Command } from './send-program.ts'

export interface JoinedMachine extends AsyncDisposable {
  node: NodeConfig
  destination: Destination
  /** For messages: `root@192.0.2.7`. */
  host: string
  home: MachineHome
  /** As the login, with the cluster's key. Rejects with a UserError when the machine cannot be reached. */
  command: Command
  /** Runs a verb of `wherry machine` there as root; what it answered. */
  agent<T>(verb: string, flags: Readonly<Record<string, string>>, options: { input?: string | Readable; signal: AbortSignal }): Promise<T>
}

export const joinedMachine = (home: Home, { clusterId }: Pick<ClusterConfig, 'clusterId'>, node: NodeConfig): JoinedMachine => {
  const destination = parseDestination(node.ssh ?? '')
  const host = formatDestination(destination)
  const access = accessOf(home, 'command')
  const there = machineHome(clusterId, node.name)
  const command: Command = (words, { input, signal }) => runOnMachine(access, { destination, alias: node.name }, words, { input, signal }).catch((error: unknown) => {
    throw error instanceof SshError ? new UserError(`cannot reach ${host} with the cluster's key: ${error.message}`, 1, { cause: error }) : error
  })
  return {
    node, destination, host, home: there, command,
    agent: async <T>(verb: string, flags: Readonly<Record<string, string>>, { input, signal }: { input?: string | Readable; signal: AbortSignal }): Promise<T> => {
      const all = { 'cluster-id': clusterId, 'node-name': node.name, ...flags }
      const words = [path.join(there.program, 'node'), path.join(there.program, 'wherry.js'), 'machine', verb, ...Object.entries(all).map(([name, value]) => `--${name}=${value}`)]
      const { exitCode, stdout, stderr } = await command(asRoot(words), { signal, ...(input !== undefined && { input }) })
      if (exitCode !== 0) throw new UserError(`${host}: ${stderr.trim().replace(/^wherry: /, '') || `wherry machine ${verb} ended with ${exitCode}`}`)
      return JSON.parse(stdout) as T
    },
    [Symbol.asyncDispose]: () => closeConnection(access, { destination, alias: node.name }),
  }
}
