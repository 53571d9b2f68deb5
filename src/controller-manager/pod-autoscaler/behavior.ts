/** From the number that metrics ask for to the one that is set: stabilized, and no faster than allowed. Mirrors pkg/controller/podautoscaler/horizontal.go normalizeDesiredReplicas and normalizeDesiredReplicasWithBehaviors. */
import type { HorizontalPodAutoscalerV2, HPAScalingPolicyV2, HPAScalingRulesV2 } from '../../api/types.ts'

/** Upstream's --horizontal-pod-autoscaler-downscale-stabilization. */
const downscaleStabilizationSeconds = 300
const scaleUpFactor = 2
const scaleUpMinimum = 4

interface Stamped { at: number; value: number }

/** What was recommended, and how the size was changed, of late; times in milliseconds. */
export interface History { recommendations: readonly Stamped[]; ups: readonly Stamped[]; downs: readonly Stamped[] }

export const noHistory: History = { recommendations: [], ups: [], downs: [] }

interface Rules { windowSeconds: number; select: string; policies: readonly HPAScalingPolicyV2[] }

const rulesOf = (given: HPAScalingRulesV2 | undefined, defaults: Rules): Rules =>
  ({ windowSeconds: given?.stabilizationWindowSeconds ?? defaults.windowSeconds, select: given?.selectPolicy ?? defaults.select, policies: given?.policies ?? defaults.policies })

const upRules = ({ spec }: HorizontalPodAutoscalerV2): Rules => rulesOf(spec.behavior?.scaleUp, { windowSeconds: 0, select: 'Max', policies: [{ type: 'Pods', value: 4, periodSeconds: 15 }, { type: 'Percent', value: 100, periodSeconds: 15 }] })
const downRules = ({ spec }: HorizontalPodAutoscalerV2): Rules => rulesOf(spec.behavior?.scaleDown, { windowSeconds: downscaleStabilizationSeconds, select: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] })

const windows = (autoscaler: HorizontalPodAutoscalerV2): { up: number; down: number } => (autoscaler.spec.behavior
  ? { up: upRules(autoscaler).windowSeconds * 1000, down: downRules(autoscaler).windowSeconds * 1000 } : { up: 0, down: downscaleStabilizationSeconds * 1000 })

/** The history with this recommendation, without what nobody will ask for again. */
export const withRecommendation = (autoscaler: HorizontalPodAutoscalerV2, history: History, next: Stamped): History => {
  const { up, down } = windows(autoscaler)
  return { ...history, recommendations: [...history.recommendations.filter(({ at }) => at > next.at - Math.max(up, down)), next] }
}

const longestPeriod = ({ policies }: Rules): number => Math.max(0, ...policies.map(({ periodSeconds }) => periodSeconds)) * 1000

/** The history with this change of the size. */
export const withChange = (autoscaler: HorizontalPodAutoscalerV2, history: History, { from, to, at }: { from: number; to: number; at: number }): History => {
  if (!autoscaler.spec.behavior || from === to) return history
  const longest = Math.max(longestPeriod(upRules(autoscaler)), longestPeriod(downRules(autoscaler)))
  const recent = (list: readonly Stamped[]): Stamped[] => list.filter((each) => each.at > at - longest)
  return to > from ? { ...history, ups: [...recent(history.ups), { at, value: to - from }], downs: recent(history.downs) } : { ...history, ups: recent(history.ups), downs: [...recent(history.downs), { at, value: from - to }] }
}

export interface Limited {
  replicas: number
  /** Conditions AbleToScale and ScalingLimited. */
  able: { reason: string; message: string }
  limited: { status: 'True' | 'False'; reason: string; message: string }
}

const ready = { reason: 'ReadyForNewScale', message: 'recommended size matches current size' }
const stabilizedDown = { reason: 'ScaleDownStabilized', message: 'recent recommendations were higher than current one, applying the highest recent recommendation' }
const stabilizedUp = { reason: 'ScaleUpStabilized', message: 'recent recommendations were lower than current one, applying the lowest recent recommendation' }
const withinRange = { reason: 'DesiredWithinRange', message: 'the desired count is within the acceptable range' }
const tooMany = { reason: 'TooManyReplicas', message: 'the desired replica count is more than the maximum replica count' }
const tooFew = { reason: 'TooFewReplicas', message: 'the desired replica count is less than the minimum replica count' }
const tooFastUp = { reason: 'ScaleUpLimit', message: 'the desired replica count is increasing faster than the maximum scale rate' }
const tooFastDown = { reason: 'ScaleDownLimit', message: 'the desired replica count is decreasing faster than the maximum scale rate' }

const changed = (list: readonly Stamped[], periodSeconds: number, now: number): number => list.filter(({ at }) => at > now - periodSeconds * 1000).reduce((sum, { value }) => sum + value, 0)

/** How far the rules let the size go now. */
const limitOf = (direction: 'up' | 'down', rules: Rules, of: { current: number; history: History; now: number }): number => {
  const { current, history, now } = of
  if (rules.select === 'Disabled') return current
  const proposals = rules.policies.map(({ type, value, periodSeconds }) => {
    const start = current - changed(history.ups, periodSeconds, now) + changed(history.downs, periodSeconds, now)
    if (type === 'Pods') return direction === 'up' ? start + value : start - value
    return direction === 'up' ? Math.ceil((start * (100 + value)) / 100) : Math.trunc((start * (100 - value)) / 100)
  })
  const furthest = (rules.select === 'Min') === (direction === 'up') ? Math.min(...proposals) : Math.max(...proposals)
  return direction === 'up' ? Math.max(current, furthest) : Math.min(current, furthest)
}

interface Desired { current: number; desired: number; history: History; now: number }

const stabilized = (autoscaler: HorizontalPodAutoscalerV2, { current, desired, history, now }: Desired): number => {
  const { up, down } = windows(autoscaler)
  const recent = (window: number): number[] => history.recommendations.filter(({ at }) => at > now - window).map(({ value }) => value)
  if (!autoscaler.spec.behavior) return Math.max(desired, ...recent(down))
  const lowest = Math.min(desired, ...recent(up))
  const highest = Math.max(desired, ...recent(down))
  return Math.min(Math.max(current, lowest), highest)
}

const limitedPlainly = (autoscaler: HorizontalPodAutoscalerV2, stable: number, current: number): { replicas: number; why: typeof withinRange } => {
  const { minReplicas = 1, maxReplicas } = autoscaler.spec
  const fastest = Math.max(scaleUpFactor * current, scaleUpMinimum)
  if (stable < minReplicas) return { replicas: minReplicas, why: tooFew }
  if (stable > Math.min(fastest, maxReplicas)) return { replicas: Math.min(fastest, maxReplicas), why: maxReplicas > fastest ? tooFastUp : tooMany }
  return { replicas: stable, why: withinRange }
}

const limitedByRules = (autoscaler: HorizontalPodAutoscalerV2, stable: number, at: Desired): { replicas: number; why: typeof withinRange } => {
  const { minReplicas = 1, maxReplicas } = autoscaler.spec
  if (stable > at.current) {
    const fastest = limitOf('up', upRules(autoscaler), at)
    const most = Math.min(maxReplicas, fastest)
    if (stable > most) return { replicas: most, why: maxReplicas > fastest ? tooFastUp : tooMany }
  } else if (stable < at.current) {
    const fastest = limitOf('down', downRules(autoscaler), at)
    const fewest = Math.max(minReplicas, fastest)
    if (stable < fewest) return { replicas: fewest, why: minReplicas < fastest ? tooFastDown : tooFew }
  }
  return { replicas: stable, why: withinRange }
}

/** `at.desired`: what the metrics ask for; `at.history`: without this recommendation. */
export const limit = (autoscaler: HorizontalPodAutoscalerV2, at: Desired): Limited => {
  const stable = stabilized(autoscaler, at)
  const { replicas, why } = autoscaler.spec.behavior ? limitedByRules(autoscaler, stable, at) : limitedPlainly(autoscaler, stable, at.current)
  const held = autoscaler.spec.behavior && at.desired >= at.current ? stabilizedUp : stabilizedDown
  return { replicas, able: stable === at.desired ? ready : held, limited: { status: replicas === stable ? 'False' : 'True', ...why } }
}
