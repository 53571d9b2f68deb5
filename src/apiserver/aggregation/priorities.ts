/** In which order groups and their versions are shown. Mirrors upstream's `pkg/controlplane/apiserver/aggregator.go` and `crdregistration_controller.go`. Pure. */
export interface Priority { group: number; version: number }

const groups: Readonly<Record<string, number>> = {
  '': 18_000, 'apiregistration.k8s.io': 17_990, apps: 17_800, 'events.k8s.io': 17_750, 'authentication.k8s.io': 17_700, 'authorization.k8s.io': 17_600, autoscaling: 17_500, batch: 17_400,
  'certificates.k8s.io': 17_300, 'networking.k8s.io': 17_200, policy: 17_100, 'rbac.authorization.k8s.io': 17_000, 'storage.k8s.io': 16_800, 'apiextensions.k8s.io': 16_700,
  'admissionregistration.k8s.io': 16_700, 'scheduling.k8s.io': 16_600, 'coordination.k8s.io': 16_500, 'node.k8s.io': 16_300, 'discovery.k8s.io': 16_200, 'resource.k8s.io': 16_150,
  'flowcontrol.apiserver.k8s.io': 16_100, 'internal.apiserver.k8s.io': 16_000, 'storagemigration.k8s.io': 15_800,
}

const versions: Readonly<Record<string, number>> = { v1: 1, 'v2.autoscaling': 30, 'v1.flowcontrol.apiserver.k8s.io': 21 }
const usualVersion = 15

/** Of a group that upstream has built in; undefined for all others. */
export const builtInPriority = (group: string, version: string): Priority | undefined => {
  if (!Object.hasOwn(groups, group)) return undefined
  const name = group === '' ? version : `${version}.${group}`
  return { group: groups[group] ?? 0, version: Object.hasOwn(versions, name) ? (versions[name] ?? usualVersion) : usualVersion }
}

/** Of custom resources. */
export const customPriority: Priority = { group: 1000, version: 100 }

/** The group's own, which upstream shows first and has no APIService for. */
export const isAggregatorsOwn = (group: string): boolean => group === 'apiregistration.k8s.io'
