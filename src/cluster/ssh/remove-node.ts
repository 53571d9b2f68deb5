/** `wherry node remove`: a machine that joined over SSH leaves, and is as it was before. */
import { Nodes } from '../../api/kinds.ts'
import { isNotFound } from '../../api/status.ts'
import type { Client } from '../../client/client.ts'
import { readConfig, writeConfig, type ClusterConfig, type NodeConfig } from '../config.ts'
import { connectAdmin, isReady } from '../connect.ts'
import type { Home } from '../home.ts'
import { UserError } from '../user-error.ts'
import { ensureClusterKey, forgetHost, unauthorize } from './cluster-key.ts'
import { drain } from './drain.ts'
import { stopMachine } from './join.ts'
import { joinedMachine, type JoinedMachine } from './machine-command.ts'

const say = (line: string): void => { process.stderr.write(`${line}\n`) }

const machineNode = (config: ClusterConfig, name: string): NodeConfig => {
  const node = config.nodes.find((each) => each.name === name)
  const joined = config.nodes.filter(({ kind }) => kind === 'ssh').map((each) => each.name)
  if (!node) throw new UserError(`there is no node ${JSON.stringify(name)}; machines that joined: ${joined.join(', ') || 'none'}`)
  if (node.kind !== 'ssh') throw new UserError(`${name} is a node of this machine: only machines that joined with wherry node add can be removed`)
  return node
}

/** What is left on the machine when it cannot be reached is named, and does not keep it in the cluster. */
const clear = async (home: Home, config: ClusterConfig, machine: JoinedMachine, signal: AbortSignal): Promise<string | undefined> => {
  try {
    await stopMachine(config, machine, { remove: true }, signal)
    await unauthorize(machine.command, await ensureClusterKey(home), signal)
    return undefined
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof UserError)) throw error
    return `${error.message}\n  node ${machine.node.name} has left the cluster, but the machine was not cleared: stop the process in ${machine.home.keeperPid} there, delete ${machine.home.data} and ${machine.home.run}, and the line "wherry-${home.clusterId}" of ~/.ssh/authorized_keys`
  }
}

const leave = async (client: Client, name: string, signal: AbortSignal): Promise<void> => {
  const exists = await client.get(Nodes, { name }, { signal }).then(() => true, (error: unknown) => { if (isNotFound(error)) return false; throw error })
  if (!exists) return
  say(`moving the pods of ${name} …`)
  await drain(client, name, signal)
}

export const removeNode = async ({ home, name }: { home: Home; name: string }, signal: AbortSignal): Promise<void> => {
  const config = await readConfig(home)
  if (!config) throw new UserError(`there is no cluster in ${home.data}`)
  const node = machineNode(config, name)
  const { client, close } = connectAdmin(home)
  try {
    if (!(await isReady(client, signal))) throw new UserError('the API server does not answer; start the cluster with: wherry up')
    await leave(client, name, signal)
    await using machine = joinedMachine(home, config, node)
    const left = await clear(home, config, machine, signal)
    await client.delete(Nodes, { name }, { signal }).catch((error: unknown) => { if (!isNotFound(error)) throw error })
    const now = (await readConfig(home)) ?? config
    await writeConfig(home, { ...now, nodes: now.nodes.filter((each) => each.name !== name) })
    if (left !== undefined) throw new UserError(left)
    say(`node ${name} has left; ${machine.host} is as it was`)
  } finally {
    close()
  }
  await forgetHost(home, name)
}
