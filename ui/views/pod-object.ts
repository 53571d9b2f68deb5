/** The parts of a pod that screens look at. */
import type { Container, ContainerStatus, Pod } from '../../src/api/types.ts'
import type { TableRow } from '../store/table-row.ts'
import type { PodRef } from '../state/ui-state.ts'

export const podOf = (row: TableRow): Pod => row.object as unknown as Pod
export const podRefOf = ({ uid, namespace, name }: TableRow): PodRef => ({ uid, namespace, name })

export interface ContainerView { container: Container; status: ContainerStatus | undefined; init: boolean }

export const containerViews = (pod: Pod): ContainerView[] => {
  const statuses = new Map([...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])].map((status) => [status.name, status]))
  const view = (init: boolean) => (container: Container): ContainerView => ({ container, init, status: statuses.get(container.name) })
  return [...(pod.spec?.initContainers ?? []).map(view(true)), ...(pod.spec?.containers ?? []).map(view(false))]
}

/** kubectl's rule: what the annotation names, else the first. */
export const defaultContainer = (pod: Pod): string => pod.metadata.annotations?.['kubectl.kubernetes.io/default-container'] ?? pod.spec?.containers[0]?.name ?? ''

export const stateWords = (status: ContainerStatus | undefined): string => {
  const { running, terminated, waiting } = status?.state ?? {}
  if (running) return 'Running'
  if (terminated) return `${terminated.reason ?? 'Terminated'} (${terminated.signal ? `signal ${terminated.signal}` : terminated.exitCode})`
  return waiting?.reason ?? 'Waiting'
}
