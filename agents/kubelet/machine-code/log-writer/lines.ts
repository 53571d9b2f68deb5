/** What a container says, as lines of its log: one read of its FIFO, cut, and written as a whole or not at all. */
import type { Assembler } from '../assembler.ts'
import { writeDate } from '../log-stamp.ts'
import { count, cursor, end, field, head, headBytes, lineEnd, maxPieces, pieces, slot, stream, text, textBytes, time, wordOf, year } from './layout.ts'
import { maxLineBytes } from './protocol.ts'

/** What there is in the FIFO of container e (b: 0 out, 1 err) into its log, as far as one read goes. c: how much that was; not above zero: nothing. Changes all registers. */
export const carry = (to: Assembler): void => {
  to.enter('carry')
  to.keep('e', slot)
  to.keep('b', stream)
  to.load('f', 'e', field.out)
  to.jumpIf('b', 'equal', 0, 'chosen')
  to.load('f', 'e', field.err)
  to.label('chosen')
  to.move('c', 0)
  to.jumpIf('f', 'below', 0, 'carried')
  to.call('read', ['f', text, textBytes], 'c')
  to.jumpIf('c', 'atMost', 0, 'carried')
  to.keep('c', count)
  to.visit('begin')
  to.visit('cut')
  to.fetch('c', count)
  to.label('carried')
  to.leave()
}

/** The two beginnings of lines, for this moment and this stream. */
export const begin = (to: Assembler): void => {
  to.enter('begin')
  to.call('clock_gettime', [0, time], 'c')
  writeDate(to, { time, year, at: head.F })
  to.fetch('b', stream)
  to.move('c', wordOf(' stdout '))
  to.jumpIf('b', 'equal', 0, 'named')
  to.move('c', wordOf(' stderr '))
  to.label('named')
  to.keep('c', head.F + 30)
  for (let offset = 0; offset < headBytes; offset += 8) { to.fetch('c', head.F + offset); to.keep('c', head.P + offset) }
  to.move('b', head.P + headBytes - 2)
  to.move('c', 'P'.charCodeAt(0))
  to.store('c', 'b', 0, 1)
  to.leave()
}

const piece = (to: Assembler, index: number, [at, length]: readonly ['b' | number, 'f' | number]): void => {
  for (const [offset, value] of [[0, at], [8, length]] as const) {
    if (typeof value === 'number') to.move('a', value)
    to.store(typeof value === 'number' ? 'a' : value, 'd', index * 16 + offset)
  }
}

/** What was read, as lines: b is where one begins, c the end of all, d the next piece to be written. */
export const cut = (to: Assembler): void => {
  to.enter('cut')
  to.move('b', text)
  to.fetch('c', count)
  to.add('c', 'b')
  to.label('first')
  to.move('d', pieces)
  to.label('line')
  to.jumpIf('b', 'atLeast', 'c', 'rest')
  to.jumpIf('d', 'above', pieces + (maxPieces - 3) * 16, 'rest')
  // A line may be as long as is allowed, and its newline comes behind that.
  to.move('e', 'b')
  to.add('e', maxLineBytes + 1)
  to.jumpIf('e', 'atMost', 'c', 'search')
  to.move('e', 'c')
  to.label('search')
  to.move('f', 'b')
  to.label('byte')
  to.jumpIf('f', 'atLeast', 'e', 'part')
  to.load('a', 'f', 0, 1)
  to.add('f', 1)
  to.jumpIf('a', 'unequal', 0x0a, 'byte')
  to.subtract('f', 'b')
  piece(to, 0, [head.F, headBytes])
  piece(to, 1, ['b', 'f'])
  to.add('d', 32)
  to.add('b', 'f')
  to.jump('line')
  to.label('part')
  to.subtract('f', 'b')
  to.jumpIf('f', 'atMost', maxLineBytes, 'cuts')
  to.move('f', maxLineBytes)
  to.label('cuts')
  piece(to, 0, [head.P, headBytes])
  piece(to, 1, ['b', 'f'])
  piece(to, 2, [lineEnd, 1])
  to.add('d', 48)
  to.add('b', 'f')
  to.jump('line')
  to.label('rest')
  to.jumpIf('d', 'equal', pieces, 'all')
  to.keep('b', cursor)
  to.keep('c', end)
  to.visit('write')
  to.fetch('b', cursor)
  to.fetch('c', end)
  to.jump('first')
  to.label('all')
  to.leave()
}
