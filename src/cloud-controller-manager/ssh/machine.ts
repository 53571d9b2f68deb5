/** The machines of the cloud "ssh", and how a command is run on each: here, in a network namespace of this machine, or over SSH. */
import { statfs } from 'node:fs/promises'
import { execa } from 'execa'
import type { Destination } from './destination.ts'
import { asRoot, type Outcome, runOnMachine, SshError, type SshAccess } from './ssh.ts'

export type Reach =
  | { by: 'here' }
  /** `gateway`: the machine's own address on the bridge between its nodes. */
  | { by: 'namespace'; path: string; gateway: string }
  | { by: 'ssh'; destination: Destination }

export interface Machine {
  /** The node's. */
  name: string
  /** The node's InternalIP. */
  address: string
  reach: Reach
}

/** It does not answer, which does not say that it is gone. */
export class Unreachable extends Error { override readonly name = 'Unreachable' }

/** Runs a command as root in the machine's network; rejects with Unreachable when it cannot be reached. */
export type RunOn = (machine: Machine, command: readonly [string, ...string[]], signal: AbortSignal) => Promise<Outcome>

const namespaceFileSystem = 0x6e736673

/** In a pod the machine's mounts may lie below those of its first process (hostPID). undefined: there is no such namespace. */
export const findNamespace = async (path: string): Promise<string | undefined> => {
  for (const candidate of [path, `/proc/1/root${path}`]) {
    const type = await statfs(candidate).then((found) => found.type, () => 0)
    if (type === namespaceFileSystem) return candidate
  }
  return undefined
}

const local = async ([program, ...args]: readonly [string, ...string[]], signal: AbortSignal): Promise<Outcome> => {
  const { exitCode, stdout, stderr, shortMessage } = await execa(program, args, { stdin: 'ignore', cancelSignal: signal, reject: false, stripFinalNewline: false })
  if (signal.aborted) throw signal.reason
  if (exitCode === undefined) throw new Error(shortMessage)
  return { exitCode, stdout, stderr }
}

export const runOn = (access: SshAccess): RunOn => async ({ name, reach }, command, signal) => {
  if (reach.by === 'here') return local(command, signal)
  if (reach.by === 'namespace') {
    const namespace = await findNamespace(reach.path)
    if (namespace === undefined) throw new Unreachable(`${name}: there is no network namespace ${reach.path}`)
    return local(['nsenter', `--net=${namespace}`, '--', ...command], signal)
  }
  try {
    return await runOnMachine(access, { destination: reach.destination, alias: name }, asRoot(command), { signal })
  } catch (error) {
    throw error instanceof SshError ? new Unreachable(`${name}: ${error.message}`, { cause: error }) : error
  }
}
