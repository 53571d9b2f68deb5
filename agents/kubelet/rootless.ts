/** What a kubelet that runs in a user namespace, without root on the machine, cannot give a pod: refused by name. Pure. */
import type { Pod } from '../../src/api/types.ts'
import type { OwnUsers } from './runtime/proc/own-users.ts'

/** Disk space is counted, not limited by the kernel; what a device plugin counts is not the kernel's either. */
const isKernelLimit = (name: string): boolean => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-')

const limitPaths = (path: string, limits: Readonly<Record<string, string>> = {}): string[] => Object.keys(limits).filter(isKernelLimit).map((name) => `${path}.resources.limits[${name}]`)

interface Asked { path: string; number: number | undefined; exists(number: number): boolean }

/** undefined: nothing. */
export const rootlessProblem = ({ spec }: Pod, own: OwnUsers): string | undefined => {
  if (own.whole) return undefined
  const containers = (['initContainers', 'containers'] as const).flatMap((list) => (spec[list] ?? []).map((container, index) => ({ container, path: `spec.${list}[${index}]` })))
  const limits = [...limitPaths('spec', spec.resources?.limits), ...containers.flatMap(({ container, path }) => limitPaths(path, container.resources?.limits))]
  const [user, group] = [own.hasUser, own.hasGroup]
  const asked: Asked[] = [
    ...[{ path: 'spec', context: spec.securityContext as { runAsUser?: number; runAsGroup?: number } | undefined }, ...containers.map(({ container, path }) => ({ path, context: container.securityContext }))].flatMap(({ path, context }) => [
      { path: `${path}.securityContext.runAsUser`, number: context?.runAsUser, exists: user }, { path: `${path}.securityContext.runAsGroup`, number: context?.runAsGroup, exists: group },
    ]),
    { path: 'spec.securityContext.fsGroup', number: spec.securityContext?.fsGroup, exists: group },
    ...(spec.securityContext?.supplementalGroups ?? []).map((number, index) => ({ path: `spec.securityContext.supplementalGroups[${index}]`, number, exists: group })),
  ]
  const missing = asked.filter(({ number, exists }) => number !== undefined && !exists(number)).map(({ path, number }) => `${path} (${number})`)
  const problems = [
    ...(limits.length > 0 ? [`${limits.join(', ')}: there are no cgroups to limit it with (requests are fine)`] : []),
    ...(missing.length > 0 ? [`${missing.join(', ')}: not among the users of this cluster; with a range in /etc/subuid and /etc/subgid and newuidmap (package uidmap) it has more`] : []),
    ...(spec.hostUsers === false ? ['spec.hostUsers: its users are few already'] : []),
  ]
  return problems.length > 0 ? `this kubelet runs without root and does not support ${problems.join('; ')}` : undefined
}
