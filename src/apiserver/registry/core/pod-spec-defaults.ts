/**
 * Defaults of a pod's spec, and those that only a Pod gets and no template. Mirrors SetDefaults_PodSpec and SetDefaults_Pod of
 * upstream's `pkg/apis/core/v1/defaults.go`. All idempotent.
 */
import type { Container, PodSpec, PodTemplateSpec } from '../../../api/types.ts'
import { setContainerDefaults } from './container-defaults.ts'
import { setPodLevelDefaults } from './pod-level-resources.ts'
import { requestsFromLimits, setResourceListDefaults } from './resource-lists.ts'
import { setVolumeDefaults } from './volume-defaults.ts'

/** The deprecated `serviceAccount` mirrors `serviceAccountName`; the latter wins. */
const mirrorServiceAccount = (spec: PodSpec): void => {
  const name = spec.serviceAccountName || spec.serviceAccount
  if (!name) return
  spec.serviceAccountName = name
  spec.serviceAccount = name
}

export const setPodSpecDefaults = (spec: PodSpec): void => {
  spec.containers ??= []
  spec.dnsPolicy ||= 'ClusterFirst'
  spec.restartPolicy ||= 'Always'
  spec.securityContext ??= {}
  spec.terminationGracePeriodSeconds ??= 30
  spec.schedulerName ||= 'default-scheduler'
  mirrorServiceAccount(spec)
  spec.volumes?.forEach(setVolumeDefaults)
  spec.initContainers?.forEach(setContainerDefaults)
  spec.containers.forEach(setContainerDefaults)
  spec.ephemeralContainers?.forEach(setContainerDefaults)
  setResourceListDefaults(spec.overhead)
  setResourceListDefaults(spec.resources?.limits)
  setResourceListDefaults(spec.resources?.requests)
}

export const setPodTemplateDefaults = (template: PodTemplateSpec): void => {
  template.metadata ??= {} as NonNullable<PodTemplateSpec['metadata']>
  template.spec ??= { containers: [] }
  setPodSpecDefaults(template.spec)
}

const setRequestDefaults = ({ resources }: Container): void => {
  if (!resources) return
  const requests = requestsFromLimits(resources.limits, resources.requests)
  if (requests) resources.requests = requests
}

const setHostPortDefaults = ({ ports }: Container): void => ports?.forEach((port) => {
  port.hostPort ||= port.containerPort
})

/** What a Pod gets on top of its spec's defaults: requests from limits, service links, host ports with the host's network. */
export const setPodDefaults = (spec: PodSpec): void => {
  setPodSpecDefaults(spec)
  const containers = [...(spec.initContainers ?? []), ...spec.containers]
  containers.forEach(setRequestDefaults)
  setPodLevelDefaults(spec)
  spec.enableServiceLinks ??= true
  if (spec.hostNetwork) containers.forEach(setHostPortDefaults)
}
