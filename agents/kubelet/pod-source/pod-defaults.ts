/** The defaults that the API server gives a pod: static pods never pass it. Mirrors pkg/apis/core/v1/defaults.go. Pure. */
import { formatQuantity, isValidQuantity, parseQuantity } from '../../../src/api/quantity.ts'
import type { Container, ContainerPort, Pod, Probe, Volume } from '../../../src/api/types.ts'

const withProbeDefaults = (probe: Probe): Probe => ({
  timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3, ...probe,
  ...(probe.httpGet && { httpGet: { path: '/', scheme: 'HTTP', ...probe.httpGet } }),
})

const pullPolicy = (image: string): string => {
  const tag = /:([^:/@]+)(?:@.*)?$/.exec(image)?.[1]
  return image.includes('@') || (tag && tag !== 'latest') ? 'IfNotPresent' : 'Always'
}

/** As the API server keeps them. A text that is no quantity stays, and is refused where it is used. */
const canonical = (amounts: Record<string, string> | undefined): Record<string, string> | undefined =>
  amounts && Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, isValidQuantity(String(amount)) ? formatQuantity(parseQuantity(String(amount))) : amount]))

const withContainerDefaults = (container: Container, hostNetwork: boolean): Container => {
  const limits = canonical(container.resources?.limits)
  const requests = canonical(container.resources?.requests)
  return {
    terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File', imagePullPolicy: pullPolicy(container.image ?? ''), ...container,
    resources: { ...container.resources, ...(limits && { limits }), ...((limits ?? requests) && { requests: { ...limits, ...requests } }) },
    ...(container.ports && { ports: container.ports.map((port): ContainerPort => ({ protocol: 'TCP', ...(hostNetwork && { hostPort: port.containerPort }), ...port })) }),
    ...(container.livenessProbe && { livenessProbe: withProbeDefaults(container.livenessProbe) }),
    ...(container.readinessProbe && { readinessProbe: withProbeDefaults(container.readinessProbe) }),
    ...(container.startupProbe && { startupProbe: withProbeDefaults(container.startupProbe) }),
    ...(container.env && { env: container.env.map((variable) => (variable.valueFrom?.fieldRef
      ? { ...variable, valueFrom: { fieldRef: { apiVersion: 'v1', ...variable.valueFrom.fieldRef } } } : variable)) }),
  }
}

const withVolumeDefaults = (volume: Volume): Volume => ({
  ...volume,
  ...(volume.image && { image: { pullPolicy: pullPolicy(volume.image.reference ?? ''), ...volume.image } }),
  ...(volume.hostPath && { hostPath: { type: '', ...volume.hostPath } }),
  ...(volume.downwardAPI && { downwardAPI: { defaultMode: 0o644, ...volume.downwardAPI } }),
  ...(volume.projected && { projected: { defaultMode: 0o644, ...volume.projected } }),
  ...(Object.keys(volume).length === 1 && { emptyDir: {} }),
})

export const withPodDefaults = (pod: Pod): Pod => {
  const hostNetwork = pod.spec.hostNetwork ?? false
  return {
    ...pod,
    spec: {
      restartPolicy: 'Always', dnsPolicy: 'ClusterFirst', terminationGracePeriodSeconds: 30, schedulerName: 'default-scheduler', enableServiceLinks: true, securityContext: {}, ...pod.spec,
      ...(pod.spec.resources && { resources: { ...pod.spec.resources, ...(pod.spec.resources.limits && { limits: canonical(pod.spec.resources.limits) ?? {} }), ...(pod.spec.resources.requests && { requests: canonical(pod.spec.resources.requests) ?? {} }) } }),
      containers: pod.spec.containers.map((container) => withContainerDefaults(container, hostNetwork)),
      ...(pod.spec.initContainers && { initContainers: pod.spec.initContainers.map((container) => withContainerDefaults(container, hostNetwork)) }),
      ...(pod.spec.volumes && { volumes: pod.spec.volumes.map(withVolumeDefaults) }),
    },
  }
}
