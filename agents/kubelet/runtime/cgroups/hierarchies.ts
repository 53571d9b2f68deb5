/** Where this machine's cgroup controllers are: version 1 (one hierarchy a controller, perhaps a `unified` one beside them) or version 2. Pure. */
import type { MountInfo } from '../proc/mount-info.ts'

export interface Hierarchies {
  /** `none`: no cgroups can be made; directories stand for them (process-groups.ts). */
  version: 1 | 2 | 'none'
  /** Controller → mount point. With version 2 all are the same. */
  controllers: Readonly<Partial<Record<Controller, string>>>
  /** The cgroup2 mount, which knows `cgroup.kill` and `cgroup.events`; undefined on old version 1 machines. */
  unified: string | undefined
}

export type Controller = 'cpu' | 'cpuacct' | 'memory' | 'pids' | 'freezer' | 'hugetlb' | 'cpuset'

// The freezer serves only to kill without races where nothing can kill a cgroup at once.
const wanted: readonly Controller[] = ['cpu', 'cpuacct', 'memory', 'pids', 'freezer', 'hugetlb']

const missing = (controller: Controller): Error => new Error(`the cgroup controller "${controller}" is not mounted on this machine: mount cgroup2 at /sys/fs/cgroup, or the version 1 hierarchies below it`)

/** Throws when there is nothing to build on. `pins`: containers are pinned to CPUs, which takes one controller more. `v2Controllers`: the content of cgroup.controllers of the cgroup2 mount, '' without one. */
export const findHierarchies = (mounts: readonly MountInfo[], v2Controllers: string, pins = false): Hierarchies => {
  const unified = mounts.find(({ fileSystem }) => fileSystem === 'cgroup2')?.mountPoint
  const available = v2Controllers.trim().split(/\s+/)
  if (unified && available.includes('memory') && available.includes('cpu')) {
    if (pins && !available.includes('cpuset')) throw missing('cpuset')
    const controllers = { cpu: unified, ...(pins && { cpuset: unified }), cpuacct: unified, memory: unified, freezer: unified, ...(available.includes('pids') && { pids: unified }), ...(available.includes('hugetlb') && { hugetlb: unified }) }
    return { version: 2, controllers, unified }
  }
  const controllers = Object.fromEntries([...wanted, ...(pins ? ['cpuset' as const] : [])].flatMap((controller) => {
    const mount = mounts.find(({ fileSystem, superOptions }) => fileSystem === 'cgroup' && superOptions.includes(controller))
    return mount ? [[controller, mount.mountPoint] as const] : []
  })) as Hierarchies['controllers']
  for (const needed of ['memory', 'cpu', ...(pins ? ['cpuset' as const] : [])] as const) if (!controllers[needed]) throw missing(needed)
  return { version: 1, controllers, unified }
}

/** Every mount point in which a cgroup of ours is made, each once. */
export const rootsOf = ({ controllers, unified, version }: Hierarchies): string[] =>
  [...new Set([
    ...[...wanted, 'cpuset' as const].flatMap((each) => (each === 'freezer' && unified ? [] : (controllers[each] ?? []))),
    ...(unified && version === 1 ? [unified] : []),
  ])]
