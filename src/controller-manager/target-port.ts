/** Which port of a pod a Service's port means. Mirrors pkg/api/v1/pod/util.go FindPort. */
import type { Pod, ServicePort } from '../api/types.ts'

/** A number is itself (absent: the Service's own port); a name is looked up in the pod's containers, its sidecars last. Undefined when the pod has no such port. */
export const targetPort = (pod: Pod, { targetPort: wanted, port, protocol = 'TCP' }: ServicePort): number | undefined => {
  if (wanted === undefined || wanted === 0 || wanted === '') return port
  if (typeof wanted === 'number') return wanted
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')]
  return containers.flatMap(({ ports = [] }) => ports).find((each) => each.name === wanted && (each.protocol ?? 'TCP') === protocol)?.containerPort
}
