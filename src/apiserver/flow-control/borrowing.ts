/** How seats move between priority levels, as their demand has been lately. Mirrors updateBorrowingLocked and computeConcurrencyAllocation of apiserver's `pkg/util/flowcontrol`. */
import type { SeatLimits } from './shares.ts'

export const adjustEveryMs = 10_000
const smoothing = 0.977
const rounds = 60

/** How many seats were wanted over a period: weighted by time. */
export class SeatDemand {
  private value = 0
  private since: number
  private begun: number
  private sum = 0
  private sumOfSquares = 0
  private highest = 0
  /** The envelope of demand, which falls slowly. */
  private smoothed = 0

  constructor(now: number) { this.since = this.begun = now }

  get now(): number { return this.value }
  /** When the value was last set. */
  get moment(): number { return this.since }

  set(value: number, now: number): void {
    this.account(now)
    this.value = value
    if (value > this.highest) this.highest = value
  }

  private account(now: number): void {
    const passed = now - this.since
    this.since = now
    this.sum += this.value * passed
    this.sumOfSquares += this.value * this.value * passed
  }

  /** Ends a period. */
  finish(now: number): { highest: number; smoothed: number } {
    this.account(now)
    const passed = now - this.begun
    const { highest } = this
    if (passed > 0) {
      const average = this.sum / passed
      const envelope = average + Math.sqrt(Math.max(0, this.sumOfSquares / passed - average * average))
      this.smoothed = Math.max(envelope, smoothing * this.smoothed + (1 - smoothing) * envelope)
    }
    this.begun = now
    this.sum = this.sumOfSquares = 0
    this.highest = this.value
    return { highest, smoothed: this.smoothed }
  }
}

interface Wish { lower: number; upper: number; target: number }

const shared = ({ lower, upper, target }: Wish, proportion: number): number => Math.min(upper, Math.max(lower, target * proportion))

/** Gives everybody the same proportion of what they want, within their bounds, so that all of `seats` are given; what nobody wants goes to those who may have more. */
export const allocate = (wishes: readonly Wish[], seats: number): number[] => {
  const total = (proportion: number): number => wishes.reduce((sum, wish) => sum + shared(wish, proportion), 0)
  let [low, high] = [0, 1]
  for (let round = 0; round < rounds && total(high) < seats; round += 1) high *= 2
  for (let round = 0; round < rounds; round += 1) {
    const middle = (low + high) / 2
    if (total(middle) < seats) low = middle
    else high = middle
  }
  const given = wishes.map((wish) => shared(wish, high))
  const left = seats - given.reduce((sum, each) => sum + each, 0)
  const room = wishes.map(({ upper }, index) => upper - (given[index] ?? 0))
  const allRoom = room.reduce((sum, each) => sum + each, 0)
  return left > 0 && allRoom > 0 ? given.map((each, index) => each + ((room[index] ?? 0) * Math.min(left, allRoom)) / allRoom) : given
}

interface Level { exempt: boolean; limits: SeatLimits; demand: { highest: number; smoothed: number } }

/** The limits of the next period: the exempt take what they needed, the others share the rest. */
export const currentLimits = (levels: readonly Level[]): number[] => {
  // What was needed is not taken away, up to what belongs to the level.
  const kept = levels.map(({ exempt, limits, demand }) => Math.max(limits.lowest, exempt ? demand.highest : Math.min(limits.nominal, demand.highest)))
  const sumOf = (values: readonly number[], which: (level: Level) => boolean): number => levels.reduce((sum, level, index) => sum + (which(level) ? values[index] ?? 0 : 0), 0)
  const limited = (level: Level): boolean => !level.exempt
  const rest = Math.max(0, levels.reduce((sum, { limits }) => sum + limits.nominal, 0) - sumOf(kept, ({ exempt }) => exempt))
  const lowest = sumOf(levels.map(({ limits }) => limits.lowest), limited)
  const needed = sumOf(kept, limited)
  if (rest <= needed) {
    const part = rest <= lowest || needed === lowest ? 0 : (rest - lowest) / (needed - lowest)
    return levels.map(({ exempt, limits }, index) => Math.round(exempt ? kept[index] ?? 0 : limits.lowest + part * ((kept[index] ?? 0) - limits.lowest)))
  }
  const given = allocate(levels.map(({ exempt, limits, demand }, index) => {
    const lower = kept[index] ?? 0
    return exempt ? { lower: 0, upper: 0, target: 0 } : { lower, upper: Math.max(limits.highest, lower), target: Math.max(lower, demand.smoothed) }
  }), rest)
  return levels.map(({ exempt }, index) => Math.round((exempt ? kept[index] : given[index]) ?? 0))
}
