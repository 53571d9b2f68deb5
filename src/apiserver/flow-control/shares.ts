/** How many seats each priority level has of the server's, lends and may borrow. Mirrors finishQueueSetReconfigsLocked of apiserver's `pkg/util/flowcontrol/apf_controller.go`. */
import type { PriorityLevelConfigurationSpec } from '../../api/types.ts'

export interface SeatLimits {
  nominal: number
  /** What is left when everything lendable is lent. */
  lowest: number
  /** With all that may be borrowed. */
  highest: number
}

const sharesOf = ({ limited, exempt }: PriorityLevelConfigurationSpec): number => (limited ? limited.nominalConcurrencyShares ?? 30 : exempt?.nominalConcurrencyShares ?? 0)

/** By name of the level; without shares anywhere nobody but the exempt gets a seat. */
export const seatLimits = (levels: ReadonlyMap<string, PriorityLevelConfigurationSpec>, serverSeats: number): Map<string, SeatLimits> => {
  let sum = 0
  for (const spec of levels.values()) sum += sharesOf(spec)
  const limits = new Map<string, SeatLimits>()
  let allLendable = 0
  for (const [name, spec] of levels) {
    const nominal = sum === 0 ? 0 : Math.ceil((serverSeats * sharesOf(spec)) / sum)
    const lendable = Math.round((nominal * ((spec.limited ?? spec.exempt)?.lendablePercent ?? 0)) / 100)
    allLendable += lendable
    limits.set(name, { nominal, lowest: nominal - lendable, highest: nominal })
  }
  for (const [name, limit] of limits) {
    const spec = levels.get(name)
    const percent = spec?.limited?.borrowingLimitPercent
    const othersLend = allLendable - (limit.nominal - limit.lowest)
    limit.highest = limit.nominal + (percent === undefined || percent === null || spec?.exempt ? othersLend : Math.round((limit.nominal * percent) / 100))
  }
  return limits
}
