/** Machines that joined, when the whole cluster starts or stops. One that does not answer is told of and does not hold up the others. */
import type { ClusterConfig, NodeConfig } from '../config.ts'
import type { Home } from '../home.ts'
import { UserError } from '../user-error.ts'
import type { Pod } from '../../api/types.ts'
import { ensureClusterKey, unauthorize } from './cluster-key.ts'
import { startMachine, stopMachine } from './join.ts'
import { joinedMachine, type JoinedMachine } from './machine-command.ts'
import { sendProgram } from './send-program.ts'

const say = (line: string): void => { process.stderr.write(`${line}\n`) }

const each = async (home: Home, config: ClusterConfig, work: (machine: JoinedMachine) => Promise<void>): Promise<void> => {
  const one = async (node: NodeConfig): Promise<void> => {
    await using machine = joinedMachine(home, config, node)
    await work(machine).catch((error: unknown) => {
      if (!(error instanceof UserError)) throw error
      say(`node ${node.name}: ${error.message}`)
    })
  }
  await Promise.all(config.nodes.filter(({ kind }) => kind === 'ssh').map(one))
}

/** Their kubelets run again, with this program. */
export const resumeMachines = (home: Home, config: ClusterConfig, signal: AbortSignal): Promise<void> => each(home, config, async (machine) => {
  await sendProgram({ host: machine.host, home: machine.home, command: machine.command, tell: say }, signal)
  await startMachine({ home, config, machine }, signal)
})

/** Their pods end and their kubelets stop; `remove`: they belong to no cluster any more. */
export const haltMachines = (home: Home, config: ClusterConfig, { remove, pods }: { remove: boolean; pods: readonly Pod[] }, signal: AbortSignal): Promise<void> => each(home, config, async (machine) => {
  say(`stopping ${machine.node.name} on ${machine.host} …`)
  await stopMachine(config, machine, { remove, pods: pods.filter(({ spec }) => spec.nodeName === machine.node.name) }, signal)
  if (remove) await unauthorize(machine.command, await ensureClusterKey(home), signal)
})
