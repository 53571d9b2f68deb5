/** Names of signals as pods give them (`SIGTERM`, `SIGRTMIN+3`) as numbers. Pure. */
import { constants } from 'node:os'

const realTimeMinimum = 34
const realTimeMaximum = 64

/** Throws for a name that is none. */
export const signalNumber = (name: string): number => {
  if (/^\d+$/.test(name) && Number(name) >= 1 && Number(name) <= realTimeMaximum) return Number(name)
  const upper = name.toUpperCase()
  const full = upper.startsWith('SIG') ? upper : `SIG${upper}`
  const known = Object.hasOwn(constants.signals, full) ? constants.signals[full as NodeJS.Signals] : undefined
  if (known !== undefined) return known
  const [, base, sign, offset = '0'] = /^SIGRT(MIN|MAX)(?:([+-])(\d+))?$/.exec(full) ?? []
  const number = base === undefined ? 0 : (base === 'MIN' ? realTimeMinimum : realTimeMaximum) + (sign === '-' ? -1 : 1) * Number(offset)
  if (number < realTimeMinimum || number > realTimeMaximum) throw new Error(`unknown signal ${JSON.stringify(name)}`)
  return number
}
