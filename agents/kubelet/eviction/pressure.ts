/** From observations to conditions of the node, and to the threshold for which something has to be done now. Mirrors synchronize (pkg/kubelet/eviction/eviction_manager.go). Pure. */
import { isMet, keyOf, type Observations, type Pressure, pressureOf, type Threshold } from './threshold.ts'

/** Moments are milliseconds of one clock. */
export interface PressureState {
  /** Since when a threshold is met, by its key. */
  metSince: ReadonlyMap<string, number>
  /** When a pressure was last seen. */
  seenAt: ReadonlyMap<Pressure, number>
  /** Thresholds for which something had to be done at the last look. */
  acting: readonly Threshold[]
}

export const noPressure: PressureState = { metSince: new Map(), seenAt: new Map(), acting: [] }

export interface PressureInput { thresholds: readonly Threshold[]; observations: Observations; now: number; transitionMilliseconds: number }

export interface PressureVerdict {
  state: PressureState
  /** What the node says of itself: a pressure stays for the transition period after it was last seen. */
  pressures: readonly Pressure[]
  /** undefined: nothing has to be done. Memory comes first. */
  act: Threshold | undefined
}

const pressureOrder: readonly Pressure[] = ['MemoryPressure', 'DiskPressure', 'PIDPressure']

export const judgePressure = (before: PressureState, { thresholds, observations, now, transitionMilliseconds }: PressureInput): PressureVerdict => {
  const met = thresholds.filter((threshold) => isMet(threshold, observations, false) || (before.acting.some((each) => keyOf(each) === keyOf(threshold)) && isMet(threshold, observations, true)))
  const metSince = new Map(met.map((threshold) => [keyOf(threshold), before.metSince.get(keyOf(threshold)) ?? now]))
  const seenAt = new Map([...before.seenAt, ...met.map(({ signal }) => [pressureOf[signal], now] as const)].filter(([, at]) => now - at < transitionMilliseconds || at === now))
  const acting = met.filter((threshold) => now - (metSince.get(keyOf(threshold)) ?? now) >= threshold.graceMilliseconds)
  const inOrder = [...acting].sort((left, right) => Number(right.signal === 'memory.available') - Number(left.signal === 'memory.available'))
  return { state: { metSince, seenAt, acting }, pressures: pressureOrder.filter((pressure) => seenAt.has(pressure)), act: inOrder[0] }
}
