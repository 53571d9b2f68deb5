/** HorizontalPodAutoscalers: as many pods as their metrics ask for. Mirrors pkg/controller/podautoscaler/horizontal.go. */
import { HorizontalPodAutoscalers, type Kind, Pods } from '../../api/kinds.ts'
import { keyOf } from '../../api/meta.ts'
import { toMilli } from '../../api/quantity.ts'
import { parseSelector, selectorMatches } from '../../api/selector.ts'
import type { HorizontalPodAutoscalerV2, Scale } from '../../api/types.ts'
import type { Action } from '../../client/action.ts'
import type { Client } from '../../client/client.ts'
import { type Reconciler, watching, type World } from '../../client/controller.ts'
import { sameMeaning } from '../canonical.ts'
import { kindOfTarget } from '../scale.ts'
import { type History, noHistory } from './behavior.ts'
import { metricsReader, type MetricsReader } from './metrics-reader.ts'
import { decidedBySize, failedToRead, planAutoscaler, type Reading } from './plan-autoscaler.ts'
import { proposalsOf } from './proposals.ts'
import type { Tolerances } from './replica-calculator.ts'

/** Upstream's --horizontal-pod-autoscaler-sync-period and -tolerance: metrics cannot be watched. */
const syncMilliseconds = 15_000
const defaultTolerance = 0.1

const tolerancesOf = ({ spec }: HorizontalPodAutoscalerV2): Tolerances => {
  const of = (given: string | undefined): number => (given === undefined ? defaultTolerance : Number(toMilli(given)) / 1000)
  return { up: of(spec.behavior?.scaleUp?.tolerance), down: of(spec.behavior?.scaleDown?.tolerance) }
}

const readTarget = async (client: Client, { metadata, spec }: HorizontalPodAutoscalerV2): Promise<{ kind: Kind; scale: Scale }> => {
  const kind = await kindOfTarget(client, spec.scaleTargetRef)
  if (!kind) throw new Error(`no matches for kind "${spec.scaleTargetRef.kind}" in group "${spec.scaleTargetRef.apiVersion?.split('/')[0] ?? ''}"`)
  return { kind, scale: await client.get(kind as Kind<Scale>, { name: spec.scaleTargetRef.name, namespace: metadata.namespace }, { subresource: 'scale' }) }
}

const read = async (client: Client, reader: MetricsReader, of: { autoscaler: HorizontalPodAutoscalerV2; world: World }): Promise<Reading> => {
  const { autoscaler, world } = of
  const target = await readTarget(client, autoscaler)
  const { spec, status } = target.scale
  if (decidedBySize(autoscaler, spec?.replicas ?? 0)) return target
  if (!status?.selector) return { ...target, selectorError: 'selector is required' }
  const selector = parseSelector(status.selector)
  const namespace = autoscaler.metadata.namespace ?? ''
  const pods = world.list(Pods, namespace).filter(({ metadata }) => selectorMatches(selector, metadata.labels))
  const at = { namespace, selector: status.selector, pods, specReplicas: spec?.replicas ?? 0, statusReplicas: status.replicas, tolerances: tolerancesOf(autoscaler), now: world.now }
  return { ...target, measured: await proposalsOf(autoscaler.spec.metrics ?? [], at, reader) }
}

export const podAutoscalers = (client: Client): Reconciler => {
  const reader = metricsReader(client)
  const histories = new Map<string, { uid: string; history: History }>()
  return {
    name: 'horizontal-pod-autoscaler',
    watches: [watching(HorizontalPodAutoscalers, (autoscaler) => [keyOf(autoscaler)], { matters: (autoscaler, previous) => !autoscaler || !previous || !sameMeaning(autoscaler.spec, previous.spec) })],
    reads: [Pods],
    async plan(key, world) {
      const autoscaler = world.get(HorizontalPodAutoscalers, key)
      const kept = histories.get(key)
      if (!autoscaler || kept?.uid !== autoscaler.metadata.uid) histories.delete(key)
      if (!autoscaler || autoscaler.metadata.deletionTimestamp !== undefined) return []
      const again: Action = { do: 'requeueAfter', milliseconds: syncMilliseconds }
      try {
        const reading = await read(client, reader, { autoscaler, world })
        const { actions, history } = planAutoscaler({ autoscaler, now: world.now, history: histories.get(key)?.history ?? noHistory }, reading)
        histories.set(key, { uid: autoscaler.metadata.uid, history })
        return [...actions, again]
      } catch (error) {
        return [...failedToRead(autoscaler, error instanceof Error ? error.message : String(error), world.now), again]
      }
    },
  }
}
