/** Discovery of what this server and the ones behind it serve, in the order of their priorities. Mirrors kube-aggregator's handler_apis.go and handler_discovery.go. Pure. */
import type { AggregatedDiscovery } from '../aggregation/aggregated-discovery.ts'
import { builtInPriority, customPriority, type Priority } from '../aggregation/priorities.ts'
import type { GroupVersions } from './api-resources.ts'

const usualPriority = (group: string, version: string): Priority => builtInPriority(group, version) ?? customPriority

/** Groups by their highest priority, then by name; versions by theirs, and else as they stand. */
export const mergedGroups = (local: readonly GroupVersions[], aggregation: AggregatedDiscovery | undefined): GroupVersions[] => {
  const priorityOf = aggregation ? (group: string, version: string) => aggregation.priorityOf(group, version) : usualPriority
  const groups = new Map(local.map(({ group, versions }) => [group, [...versions]]))
  for (const { group, version } of aggregation?.remote() ?? []) {
    const versions = groups.get(group) ?? []
    if (!versions.includes(version)) versions.push(version)
    groups.set(group, versions)
  }
  const rank = ({ group, versions }: GroupVersions): number => Math.max(...versions.map((version) => priorityOf(group, version).group))
  return [...groups].map(([group, versions]) => ({ group, versions: versions.sort((left, right) => priorityOf(group, right).version - priorityOf(group, left).version) }))
    .sort((left, right) => rank(right) - rank(left) || (left.group < right.group ? -1 : 1))
}

interface DiscoveredVersion { version: string; freshness: string; resources: readonly object[] }
export interface GroupDiscovery { metadata: { name?: string; creationTimestamp: null }; versions: DiscoveredVersion[] }

/** The groups' documents, with those of other servers among them. */
export const mergedDiscovery = (groups: readonly GroupVersions[], local: readonly GroupDiscovery[], aggregation: AggregatedDiscovery | undefined): GroupDiscovery[] => {
  const remote = new Map((aggregation?.remote() ?? []).map((each) => [`${each.group}/${each.version}`, each]))
  const own = new Map(local.flatMap(({ metadata: { name = '' }, versions }) => versions.map((each) => [`${name}/${each.version}`, each] as const)))
  return groups.map(({ group, versions }) => ({
    metadata: { ...(group && { name: group }), creationTimestamp: null },
    versions: versions.flatMap((version): DiscoveredVersion[] => {
      const found = remote.get(`${group}/${version}`)
      if (found) return [{ version, freshness: found.freshness, resources: found.resources }]
      const ours = own.get(`${group}/${version}`)
      return ours ? [ours] : []
    }),
  }))
}
