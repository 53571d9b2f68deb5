/** LimitRanges: default amounts for containers, and what is too much or too little. Mirrors upstream's `plugin/pkg/admission/limitranger`. */
import { setOwn } from '../../api/equal.ts'
import { groupResource, LimitRanges, PersistentVolumeClaims, Pods } from '../../api/kinds.ts'
import { amountsOf, podLimits, podRequests } from '../../api/pod-resources.ts'
import { forbidden } from '../../api/status.ts'
import type { Container, LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod } from '../../api/types.ts'
import type { Lookup } from '../registry/strategy.ts'
import { claimViolations, violations } from './limit-constraints.ts'
import type { AdmissionAttributes, AdmissionPlugin } from './plugin.ts'

const annotation = 'kubernetes.io/limit-ranger'

const isPods = ({ kind }: AdmissionAttributes): boolean => groupResource(kind) === groupResource(Pods)
const isClaims = ({ kind }: AdmissionAttributes): boolean => groupResource(kind) === groupResource(PersistentVolumeClaims)

/** Pods only when they are made or resized: nothing else can change their containers. */
const handles = (attributes: AdmissionAttributes): boolean => {
  const { operation, subresource } = attributes
  if (isPods(attributes)) return (operation === 'CREATE' && subresource === '') || (operation === 'UPDATE' && subresource === 'resize')
  return isClaims(attributes) && subresource === '' && (operation === 'CREATE' || operation === 'UPDATE')
}

const rangesIn = (lookup: Lookup, namespace: string): readonly LimitRange[] => lookup.list(LimitRanges, namespace)
const isBeingDeleted = ({ oldObject }: AdmissionAttributes): boolean => oldObject?.metadata.deletionTimestamp !== undefined

type Amount = Record<string, string>
interface Defaults { requests: Amount; limits: Amount }

const defaultsOf = ({ spec }: LimitRange): Defaults => {
  const defaults: Defaults = { requests: {}, limits: {} }
  for (const { type, defaultRequest, default: limits } of spec.limits) {
    if (type !== 'Container') continue
    for (const [name, value] of Object.entries(defaultRequest ?? {})) setOwn(defaults.requests, name, value)
    for (const [name, value] of Object.entries(limits ?? {})) setOwn(defaults.limits, name, value)
  }
  return defaults
}

/** The names that were missing, sorted. */
const fill = (container: Container, side: 'requests' | 'limits', defaults: Amount): string[] => {
  const missing = Object.keys(defaults).filter((name) => !Object.hasOwn(container.resources?.[side] ?? {}, name)).sort()
  if (missing.length === 0) return []
  container.resources ??= {}
  const list = (container.resources[side] = { ...container.resources[side] })
  for (const name of missing) setOwn(list, name, defaults[name] ?? '')
  return missing
}

const fillContainers = (pod: Pod, { requests, limits }: Defaults): string[] => [...pod.spec.containers.map((container) => ({ container, word: 'container' })),
  ...(pod.spec.initContainers ?? []).map((container) => ({ container, word: 'init container' }))].flatMap(({ container, word }) => {
  const [requested, limited] = [fill(container, 'requests', requests), fill(container, 'limits', limits)]
  return [
    ...(requested.length > 0 ? [`${requested.join(', ')} request for ${word} ${container.name}`] : []),
    ...(limited.length > 0 ? [`${limited.join(', ')} limit for ${word} ${container.name}`] : []),
  ]
})

const setDefaults = (pod: Pod, range: LimitRange): void => {
  const set = fillContainers(pod, defaultsOf(range))
  if (set.length > 0) pod.metadata.annotations = { ...pod.metadata.annotations, [annotation]: `LimitRanger plugin set: ${set.join('; ')}` }
}

const podViolations = (pod: Pod, item: LimitRangeItem): string[] => {
  if (item.type === 'Pod') return violations(item, { requests: podRequests(pod, { withoutOverhead: true }), limits: podLimits(pod, { withoutOverhead: true }) })
  if (item.type !== 'Container') return []
  return [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].flatMap(({ resources }) => violations(item, { requests: amountsOf(resources?.requests), limits: amountsOf(resources?.limits) }))
}

const violationsOf = (attributes: AdmissionAttributes, { spec }: LimitRange): string[] => spec.limits.flatMap((item) => {
  if (isPods(attributes)) return podViolations(attributes.object as Pod, item)
  return item.type === 'PersistentVolumeClaim' ? claimViolations(item, amountsOf((attributes.object as PersistentVolumeClaim).spec.resources?.requests)) : []
})

export const limitRanger: AdmissionPlugin = {
  name: 'LimitRanger',
  handles,
  mutate: (attributes, { lookup }) => {
    if (!isPods(attributes) || isBeingDeleted(attributes)) return
    for (const range of rangesIn(lookup, attributes.namespace)) setDefaults(attributes.object as Pod, range)
  },
  validate: (attributes, { lookup }) => {
    if (isBeingDeleted(attributes)) return
    for (const range of rangesIn(lookup, attributes.namespace)) {
      const wrong = [...new Set(violationsOf(attributes, range))]
      if (wrong.length > 0) throw forbidden(attributes.kind, attributes.name, wrong.length === 1 ? (wrong[0] ?? '') : `[${wrong.join(', ')}]`)
    }
  },
}
