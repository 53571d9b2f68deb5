/** A pod's sandbox as system calls: its namespaces, its network, and a process that holds them and does nothing. What the script `sandbox` (shim/scripts.ts) does by way of other programs. Pure. */
import type { PodLink } from '../../network/links.ts'
import type { Numbers } from '../../seccomp/syscalls/tables.ts'
import { beginAnew, joinGroups, namespaces, notePid, open, openAs, openFile, say, setOomScore, writeTo } from './calls.ts'
import { linkPod, netlinkSocket } from './links.ts'
import { newSteps, text } from './steps.ts'

export interface SandboxSteps {
  /** Directories of its cgroup. */
  groups: readonly string[]
  hostNetwork: boolean
  hostIpc: boolean
  hostname: string
  domainName: string
  link: (PodLink & { bridge: string }) | undefined
  /** Options of the file system that is its /dev/shm, mounted at `shm`; undefined: it has the machine's. */
  sharedMemory: string | undefined
  /** Paths below /proc/sys, and values. */
  sysctls: readonly (readonly [path: string, value: string])[]
}

const sandboxOomScore = -998
const life = 9
const [noSuid, noDevices, noExecution] = [2, 4, 8] as const

export const sandboxSteps = (numbers: Numbers, { groups, hostNetwork, hostIpc, hostname, domainName, link, sharedMemory, sysctls }: SandboxSteps): Buffer => {
  const steps = newSteps(numbers)
  beginAnew(steps)
  openAs(steps, life, 'life', open.readWrite)
  openAs(steps, 2, 'errors', open.writeOnly | open.create | open.append)
  const devNull = openFile(steps, '/dev/null', open.readWrite | open.closeOnExec)
  for (const descriptor of [0, 1]) steps.call('dup3', [devNull, descriptor, 0], 'cannot open /dev/null')
  setOomScore(steps, sandboxOomScore)
  if (sharedMemory !== undefined) steps.call('mount', [text('shm'), text('shm'), text('tmpfs'), noSuid | noDevices | noExecution, text(sharedMemory)], 'cannot make /dev/shm')
  const node = link && netlinkSocket(steps)
  const kinds = (hostNetwork ? 0 : namespaces.network | namespaces.uts) | (hostIpc ? 0 : namespaces.ipc)
  if (kinds !== 0) steps.call('unshare', [kinds], 'cannot make namespaces')
  joinGroups(steps, groups)
  for (const [call, name] of [['sethostname', hostname], ['setdomainname', domainName]] as const) if (name !== '' && !hostNetwork) steps.call(call, [text(name), Buffer.byteLength(name)], `cannot set the name ${name}`)
  if (link && node) linkPod(steps, { node, pod: netlinkSocket(steps) }, link)
  for (const [path, value] of sysctls) writeTo(steps, `/proc/sys/${path}`, `${value}\n`)
  steps.call('close_range', [life + 1, 0xffff_ffff, 0], 'cannot close what is open', { mayFail: true })
  notePid(steps, 'pid')
  say(steps, life, 'ready\n')
  steps.call('ppoll', [0, 0, 0, 0, 0], 'cannot wait', { mayFail: true })
  steps.call('exit_group', [0], 'cannot end')
  return steps.encode()
}
