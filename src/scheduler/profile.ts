/** The plugins of the scheduler, in upstream's order and with upstream's weights (`apis/config/v1/default_plugins.go`). */
import type { Plugin, Profile } from './framework.ts'
import { interPodAffinity } from './plugins/inter-pod-affinity.ts'
import { nodeAffinity } from './plugins/node-affinity.ts'
import { nodeName } from './plugins/node-name.ts'
import { nodePorts } from './plugins/node-ports.ts'
import { nodeResourcesBalancedAllocation } from './plugins/node-resources-balanced-allocation.ts'
import { nodeResourcesFit } from './plugins/node-resources-fit.ts'
import { nodeUnschedulable } from './plugins/node-unschedulable.ts'
import { podTopologySpread } from './plugins/pod-topology-spread.ts'
import { prioritySort } from './plugins/priority-sort.ts'
import { schedulingGates } from './plugins/scheduling-gates.ts'
import { taintToleration } from './plugins/taint-toleration.ts'
import { defaultPreemption } from './preemption.ts'

/** A plugin more is a line here. The cheap filters that reject most come first; their first reason is the one that people see. */
const plugins: readonly Plugin[] = [
  schedulingGates, prioritySort,
  nodeUnschedulable, nodeName, taintToleration, nodeAffinity, nodePorts, nodeResourcesFit, podTopologySpread, interPodAffinity,
  defaultPreemption, nodeResourcesBalancedAllocation,
]

export const defaultProfile: Profile = {
  schedulerName: 'default-scheduler', plugins,
  weights: { TaintToleration: 3, NodeAffinity: 2, NodeResourcesFit: 1, PodTopologySpread: 2, InterPodAffinity: 2, NodeResourcesBalancedAllocation: 1 },
}

/** The profile with the plugins of volumes, in upstream's place for them: before PodTopologySpread. */
export const withVolumePlugins = (profile: Profile, ...plugins: readonly Plugin[]): Profile => {
  const at = profile.plugins.findIndex(({ name }) => name === 'PodTopologySpread')
  return { ...profile, plugins: profile.plugins.toSpliced(at < 0 ? profile.plugins.length : at, 0, ...plugins) }
}
