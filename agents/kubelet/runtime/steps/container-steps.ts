/**
 * What the shim's child does from its cgroup to its program, as system calls: the script `root` (shim/scripts.ts) and what its shim begins, without a program of the machine for each step. And the shim's own first step.
 * For containers without a terminal, without users of their own and without a filter that only root can load. Pure.
 */
import type { Numbers } from '../../seccomp/syscalls/tables.ts'
import type { Credentials } from '../rootfs/credentials.ts'
import type { MountLine } from '../rootfs/fstab.ts'
import { beginAnew, enter, execute, joinGroups, namespaces, notePid, open, openFile, setOomScore } from './calls.ts'
import { become } from './become.ts'
import { type Device, limitDevices } from './devices.ts'
import { makeReadOnly, mountAll, propagate } from './mounts.ts'
import { newSteps, text } from './steps.ts'

export interface ContainerSteps {
  groups: readonly string[]
  /** The cgroup where devices can be limited, and those that it may use; undefined: all, or there is no such cgroup. */
  devices: { cgroup: string; allowed: readonly Device[] } | undefined
  oomScore: number
  /** Namespaces of the pod that it enters: files below /proc. */
  network: string | undefined
  uts: string | undefined
  ipc: string | undefined
  root: string
  mounts: readonly MountLine[]
  readOnlyRoot: boolean
  sharesMounts: boolean
  credentials: Credentials
  boundingSet: bigint
  /** The shell that reads the rest of the program, in the words of the container. */
  shell: readonly string[]
  environment: Readonly<Record<string, string>>
}

/** For containers that the scripts make: the limit alone. */
export const deviceSteps = (numbers: Numbers, { cgroup, allowed }: { cgroup: string; allowed: readonly Device[] }): Buffer => {
  const steps = newSteps(numbers)
  limitDevices(steps, cgroup, allowed)
  steps.call('exit_group', [0], 'cannot end')
  return steps.encode()
}

const detach = 2
const joinSessionKeyring = 1
const oldRoot = '/dev/mqueue'
const descriptors = { input: 3, output: 4, errors: 5, go: 7 } as const

export const containerSteps = (numbers: Numbers, { groups, devices, oomScore, network, uts, ipc, root, mounts, readOnlyRoot, sharesMounts, credentials, boundingSet, shell, environment }: ContainerSteps): Buffer => {
  const steps = newSteps(numbers)
  if (devices) limitDevices(steps, devices.cgroup, devices.allowed)
  joinGroups(steps, groups)
  notePid(steps, 'pid')
  setOomScore(steps, oomScore)
  steps.call('setsid', [], 'cannot begin a session', { mayFail: true })
  // Keys of its own, as runc has it. A kernel without keys, or one that counts too many of them, has none to share either.
  steps.call('keyctl', [joinSessionKeyring, 0, 0, 0, 0], 'cannot begin a session of keys', { mayFail: true })
  if (ipc !== undefined) enter(steps, ipc, namespaces.ipc)
  if (uts !== undefined) enter(steps, uts, namespaces.uts)
  if (network !== undefined) enter(steps, network, namespaces.network)
  steps.call('unshare', [namespaces.mount], 'cannot make a mount namespace')
  if (!sharesMounts) propagate(steps, '/', 'rslave')
  mountAll(steps, root, mounts)
  const [first] = mounts
  if (readOnlyRoot && first) makeReadOnly(steps, root, first)
  steps.call('chdir', [text(root)], 'cannot enter the root')
  steps.call('pivot_root', [text('.'), text(`.${oldRoot}`)], 'cannot change the root')
  steps.call('chdir', [text('/')], 'cannot enter the root')
  if (sharesMounts) propagate(steps, oldRoot, 'rslave')
  steps.call('umount2', [text(oldRoot), detach], 'cannot take the old root away')
  become(steps, credentials, boundingSet)
  for (const [from, to] of [[descriptors.go, 0], [descriptors.output, 1], [descriptors.errors, 2]] as const) steps.call('dup3', [from, to, 0], 'cannot pass the output on')
  for (const descriptor of [descriptors.output, descriptors.errors, descriptors.go]) steps.call('close', [descriptor], 'cannot pass the output on')
  execute(steps, shell, environment)
  return steps.encode()
}

/** Becomes the shim, whose children are in a process namespace: a new one, that in a file below /proc, or its own. */
export const shimSteps = (numbers: Numbers, { processNamespace, command, environment }: { processNamespace: string | 'new' | 'own'; command: readonly string[]; environment: Readonly<Record<string, string>> }): Buffer => {
  const steps = newSteps(numbers)
  beginAnew(steps)
  if (processNamespace === 'new') steps.call('unshare', [namespaces.process], 'cannot make a process namespace')
  else if (processNamespace !== 'own') enter(steps, processNamespace, namespaces.process)
  const devNull = openFile(steps, '/dev/null', open.readWrite | open.closeOnExec)
  steps.call('dup3', [devNull, 0, 0], 'cannot open /dev/null')
  execute(steps, command, environment)
  return steps.encode()
}
