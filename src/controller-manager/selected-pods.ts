/** The pods of a Service, found through an index of labels, and the Services of a pod. */
import { Services } from '../api/kinds.ts'
import { keyOf } from '../api/meta.ts'
import { selectorFromLabels, selectorMatches } from '../api/selector.ts'
import { Pods } from '../api/kinds.ts'
import type { Pod, Service } from '../api/types.ts'
import type { World } from '../client/controller.ts'
import type { Index } from '../client/informer.ts'
import { sameMeaning } from './canonical.ts'
import { isPodFinished, isPodReady } from './pod.ts'

const labelEntry = (namespace: string | undefined, key: string, value: string): string => `${namespace ?? ''}/${key}=${value}`

const byLabel: Index<Pod> = { name: 'label', valuesOf: ({ metadata }) => Object.entries(metadata.labels ?? {}).map(([key, value]) => labelEntry(metadata.namespace, key, value)) }

export const byNode: Index<Pod> = { name: 'node', valuesOf: ({ spec }) => (spec.nodeName ? [spec.nodeName] : []) }

/** Whether controllers, not people, keep this Service's endpoints. */
export const isSelecting = ({ spec }: Service): boolean => spec.type !== 'ExternalName' && Object.keys(spec.selector ?? {}).length > 0

/** All pods with the Service's labels: read from the rarest of them. */
export const podsOf = (service: Service, world: World): Pod[] => {
  const lists = Object.entries(service.spec.selector ?? {}).map(([key, value]) => world.byIndex(Pods, byLabel, labelEntry(service.metadata.namespace, key, value)))
  const shortest = lists.reduce<readonly Pod[]>((a, b) => (b.length < a.length ? b : a), lists[0] ?? [])
  const selector = selectorFromLabels(service.spec.selector ?? {})
  return shortest.filter(({ metadata }) => selectorMatches(selector, metadata.labels))
}

/** The keys of the Services that select a pod. */
export const servicesOf = (pod: Pod, world: World): string[] =>
  world.list(Services, pod.metadata.namespace).filter((service) => isSelecting(service) && selectorMatches(selectorFromLabels(service.spec.selector ?? {}), pod.metadata.labels)).map(keyOf)

/** Everything of a pod that an endpoint shows, or that decides whether it is one. */
const shown = (pod: Pod): unknown => [
  pod.metadata.labels, pod.metadata.deletionTimestamp !== undefined, isPodReady(pod), isPodFinished(pod), pod.status.podIP, pod.status.podIPs, pod.spec.nodeName, pod.spec.hostname, pod.spec.subdomain,
]

/** Whether a pod's change can be seen in its endpoints: containers come and go without. */
export const endpointMatters = (pod: Pod | undefined, previous: Pod | undefined): boolean => !pod || !previous || !sameMeaning(shown(pod), shown(previous))

/** A pod that has an address and still may serve; when it is being deleted only if asked for. */
export const mayBeEndpoint = (pod: Pod, includeTerminating: boolean): boolean =>
  !isPodFinished(pod) && Boolean(pod.status.podIP || pod.status.podIPs?.length) && (includeTerminating || pod.metadata.deletionTimestamp === undefined)
