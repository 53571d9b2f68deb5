/** A moment as digits, in instructions: what strftime does, for years from 1970 on. */
import type { Assembler, Register } from './assembler.ts'

/** The last digits of `value`, which is used up, at an address; d and f too. */
const digits = (to: Assembler, value: Register, { at, count }: { at: number; count: number }): void => {
  to.move('d', at)
  for (let index = count - 1; index >= 0; index--) {
    to.divide(value, 10, 'f')
    to.add('f', 0x30)
    to.store('f', 'd', index, 1)
  }
}

/**
 * Writes the digits of `YYYY-MM-DDTHH:MM:SS.NNNNNNNNN` at `at`; `time`: the kernel's structure of seconds and nanoseconds since 1970; `year`: room for a number. Uses b, c, d and f.
 * Days are counted in eras of 400 years that begin with a March (H. Hinnant, chrono-compatible low-level date algorithms: civil_from_days).
 */
export const writeDate = (to: Assembler, { time, year, at }: { time: number; year: number; at: number }): void => {
  to.fetch('c', time + 8)
  digits(to, 'c', { at: at + 20, count: 9 })
  to.fetch('c', time)
  for (const [divisor, offset] of [[60, 17], [60, 14], [24, 11]] as const) {
    to.divide('c', divisor, 'b')
    digits(to, 'b', { at: at + offset, count: 2 })
  }
  // c: days since 1970; b: the day of its era; d: the year of its era.
  to.add('c', 719_468)
  to.divide('c', 146_097, 'b')
  to.multiply('c', 400)
  to.keep('c', year)
  to.move('d', 'b')
  for (const [days, sign] of [[1460, 'subtract'], [36_524, 'add'], [146_096, 'subtract']] as const) {
    to.move('c', 'b')
    to.divide('c', days, 'f')
    to[sign]('d', 'c')
  }
  to.divide('d', 365, 'f')
  to.fetch('c', year)
  to.add('c', 'd')
  to.keep('c', year)
  // b: the day of a year that begins with March.
  for (const [years, sign] of [[100, 'add'], [4, 'subtract']] as const) {
    to.move('c', 'd')
    to.divide('c', years, 'f')
    to[sign]('b', 'c')
  }
  to.multiply('d', 365)
  to.subtract('b', 'd')
  // c: the month, March being 0.
  to.move('c', 'b')
  to.multiply('c', 5)
  to.add('c', 2)
  to.divide('c', 153, 'f')
  to.move('d', 'c')
  to.multiply('d', 153)
  to.add('d', 2)
  to.divide('d', 5, 'f')
  to.subtract('b', 'd')
  to.add('b', 1)
  digits(to, 'b', { at: at + 8, count: 2 })
  to.jumpIf('c', 'below', 10, 'same year')
  to.subtract('c', 12)
  to.fetch('b', year)
  to.add('b', 1)
  to.keep('b', year)
  to.label('same year')
  to.add('c', 3)
  digits(to, 'c', { at: at + 5, count: 2 })
  to.fetch('c', year)
  digits(to, 'c', { at, count: 4 })
}
