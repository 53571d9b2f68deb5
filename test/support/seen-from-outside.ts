/** What the machine itself says of a cluster's containers (control groups, /proc), for tests that do not take the cluster's word for it. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { Pod } from '../../src/api/types.ts'
import type { TestCluster } from './cluster.ts'

const cgroupRoot = ['/sys/fs/cgroup/memory', '/sys/fs/cgroup'].find((root) => { try { return readFileSync(path.join(root, 'cgroup.procs')) } catch { return undefined } }) ?? '/sys/fs/cgroup'

const folders = (directory: string): string[] => { try { return readdirSync(directory, { withFileTypes: true }).filter((each) => each.isDirectory()).map(({ name }) => name) } catch { return [] } }
const pidsIn = (directory: string): number[] => { try { return readFileSync(path.join(directory, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number) } catch { return [] } }
const allPids = (directory: string): number[] => [...pidsIn(directory), ...folders(directory).flatMap((name) => allPids(path.join(directory, name)))]

/** The arguments of a process; none if there is no such process. */
export const commandOf = (pid: number): string[] => { try { return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean) } catch { return [] } }
export const parentOf = (pid: number): number => Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])

/** Armed and waiting for its turn, or being armed: no program of anybody's yet. */
const isSpare = (pid: number): boolean => {
  const command = commandOf(pid)
  const [program = ''] = command
  return program === '' || program.startsWith('/dev/.wherry/') || command.some((word) => /^\/run\/wherry\/.+\/scripts\//.test(word)) || /^(mount|umount|pivot_root)$/.test(program)
}

/** `<pod uid>/<container>-<attempt>` (or `<pod uid>/sandbox`) → processes that run there; without `spares`, those are left out. */
export const containersOn = ({ home }: Pick<TestCluster, 'home'>, node = 'node-1', { spares = false } = {}): Map<string, number[]> => {
  const root = path.join(cgroupRoot, `wherry-${home.clusterId}`, node)
  return new Map(['guaranteed', 'burstable', 'besteffort'].flatMap((qos) => folders(path.join(root, qos)).flatMap((pod) => folders(path.join(root, qos, pod)).flatMap((name) => {
    const pids = allPids(path.join(root, qos, pod, name)).filter((pid) => spares || !isSpare(pid))
    return pids.length > 0 ? [[`${pod.replace(/^pod/, '')}/${name}`, pids] as const] : []
  }))))
}

/** All processes of one container, whichever attempt; the entrypoint first. */
export const processesOf = (cluster: Pick<TestCluster, 'home'>, pod: Pod, container = pod.spec.containers[0]?.name ?? '', node = 'node-1'): number[] => {
  // A static pod is known to its kubelet by another uid than to the API server.
  const uid = pod.metadata.annotations?.['kubernetes.io/config.hash'] ?? pod.metadata.uid
  return [...containersOn(cluster, node)].filter(([name]) => name.startsWith(`${uid}/`) && name.slice(uid.length + 1).replace(/-\d+$/, '') === container).flatMap(([, pids]) => pids).sort((one, other) => one - other)
}

/** The process that holds the pod's namespaces. */
export const sandboxProcess = (cluster: Pick<TestCluster, 'home'>, { metadata: { uid } }: Pod, node = 'node-1'): number => containersOn(cluster, node).get(`${uid}/sandbox`)?.[0] ?? 0

/** The kubelet of a node: the child of its keeper. */
export const kubeletOf = ({ home }: Pick<TestCluster, 'home'>, node = 'node-1'): number => {
  const keeper = Number(readFileSync(home.node(node).keeperPid, 'utf8').split(' ')[0])
  const children = readFileSync(`/proc/${keeper}/task/${keeper}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
  return children.find((pid) => commandOf(pid).includes('kubelet') || commandOf(pid).includes('single')) ?? 0
}

/** SIGKILL to exactly one process. Zero and the like would be this process's own group: an error instead. */
export const killHard = (pid: number | undefined): void => {
  if (pid === undefined || !Number.isInteger(pid) || pid <= 1) throw new Error(`there is no process ${String(pid)} to kill`)
  process.kill(pid, 'SIGKILL')
}
