/** Defaults of containers: probes, hooks, ports, env, resources. Mirrors upstream's `pkg/apis/core/v1/defaults.go` and what conversion through Go's types fills in. */
import type { Container, EnvVar, EphemeralContainer, HTTPGetAction, LifecycleHandler, ObjectFieldSelector, Probe, ResourceFieldSelector } from '../../../api/types.ts'
import { defaultPullPolicy } from './image-name.ts'
import { canonicalQuantity, setResourceListDefaults } from './resource-lists.ts'

const setHttpGetDefaults = (httpGet: HTTPGetAction | undefined): void => {
  if (!httpGet) return
  httpGet.path ||= '/'
  httpGet.scheme ||= 'HTTP'
}

const setProbeDefaults = (probe: Probe | undefined): void => {
  if (!probe) return
  probe.timeoutSeconds ||= 1
  probe.periodSeconds ||= 10
  probe.successThreshold ||= 1
  probe.failureThreshold ||= 3
  setHttpGetDefaults(probe.httpGet)
  if (probe.grpc) probe.grpc.service ??= ''
}

const setHookDefaults = (hook: LifecycleHandler | undefined): void => setHttpGetDefaults(hook?.httpGet)

export const setFieldRefDefaults = (fieldRef: ObjectFieldSelector | undefined): void => {
  if (fieldRef) fieldRef.apiVersion ||= 'v1'
}

export const setResourceFieldRefDefaults = (resourceFieldRef: ResourceFieldSelector | undefined): void => {
  if (resourceFieldRef) resourceFieldRef.divisor = canonicalQuantity(resourceFieldRef.divisor ?? '0')
}

const setEnvDefaults = ({ valueFrom }: EnvVar): void => {
  setFieldRefDefaults(valueFrom?.fieldRef)
  setResourceFieldRefDefaults(valueFrom?.resourceFieldRef)
}

/** Works for containers of all three lists; idempotent. */
export const setContainerDefaults = (container: Container | EphemeralContainer): void => {
  container.imagePullPolicy ||= defaultPullPolicy(container.image ?? '')
  container.terminationMessagePath ||= '/dev/termination-log'
  container.terminationMessagePolicy ||= 'File'
  container.resources ??= {}
  setResourceListDefaults(container.resources.limits)
  setResourceListDefaults(container.resources.requests)
  for (const port of container.ports ?? []) port.protocol ||= 'TCP'
  container.env?.forEach(setEnvDefaults)
  setProbeDefaults(container.livenessProbe)
  setProbeDefaults(container.readinessProbe)
  setProbeDefaults(container.startupProbe)
  setHookDefaults(container.lifecycle?.postStart)
  setHookDefaults(container.lifecycle?.preStop)
}
