/** A container's place: how it is filled, and how it comes free again. */
import type { Assembler } from '../assembler.ts'
import { listenTo } from './events.ts'
import { asked, err, field, out, rounds, slot, slotBytes, slots, top } from './layout.ts'
import { answer } from './obey.ts'
import { codes, command, maxContainers } from './protocol.ts'

const openFifo = (to: Assembler, at: number): void => {
  to.fetch('f', asked + command.fifoFlags)
  to.call('openat', [-100, asked + at, 'f', 0], 'b')
}

/** What is there under that key is replaced: its FIFOs are let go when the new ones, which may be the same, are open. */
export const take = (to: Assembler): void => {
  to.label('take')
  to.move('b', -1)
  to.keep('b', err)
  openFifo(to, command.out)
  to.keep('b', out)
  to.jumpIf('b', 'below', 0, 'refuse')
  to.fetch('c', asked + command.hasErrors)
  to.jumpIf('c', 'equal', 0, 'opened')
  openFifo(to, command.err)
  to.keep('b', err)
  to.jumpIf('b', 'below', 0, 'refuse')
  to.label('opened')
  to.visit('find')
  to.jumpIf('e', 'equal', 0, 'new')
  to.visit('end')
  to.label('new')
  to.move('e', slots)
  to.label('place')
  to.jumpIf('e', 'atLeast', slots + maxContainers * slotBytes, 'refuse')
  to.load('b', 'e', field.key)
  to.jumpIf('b', 'equal', 0, 'free')
  to.add('e', slotBytes)
  to.jump('place')
  to.label('free')
  to.move('b', 'e')
  to.add('b', slotBytes)
  to.fetch('c', top)
  to.jumpIf('b', 'atMost', 'c', 'within')
  to.keep('b', top)
  to.label('within')
  for (const name of ['generation', 'limit', 'logFlags'] as const) { to.fetch('b', asked + command[name]); to.store('b', 'e', field[name]) }
  to.move('b', 0)
  to.store('b', 'e', field.told)
  // Its name, to the end of the place.
  to.move('c', asked + command.log)
  to.move('d', 'e')
  to.label('name')
  to.load('b', 'c', 0)
  to.store('b', 'd', field.log)
  to.add('c', 8)
  to.add('d', 8)
  to.jumpIf('c', 'below', asked + command.log + slotBytes - field.log, 'name')
  to.move('d', 'e')
  to.fetch('b', out)
  to.store('b', 'e', field.out)
  listenTo(to, 'b', 'd', 'refuse')
  to.fetch('c', err)
  to.store('c', 'e', field.err)
  to.jumpIf('c', 'below', 0, 'taken')
  to.add('d', 1)
  listenTo(to, 'c', 'd', 'refuse')
  to.label('taken')
  to.fetch('b', asked + command.key)
  to.store('b', 'e', field.key)
  to.jump('loop')
  to.label('refuse')
  for (const each of [out, err]) { to.fetch('b', each); to.call('close', ['b'], 'b') }
  answer(to, codes.refused)
}

// Who still writes, having got the FIFO from the container, must not keep all others waiting.
const lastRounds = 32

/** Everything that is still in the FIFOs of container e; then they are let go, and its place is free. */
export const finish = (to: Assembler): void => {
  to.enter('end')
  to.keep('e', slot)
  for (const [index, name] of ['out', 'err'].entries()) {
    to.move('b', lastRounds)
    to.label(`drain ${name}`)
    to.subtract('b', 1)
    to.keep('b', rounds)
    to.jumpIf('b', 'below', 0, `drained ${name}`)
    to.fetch('e', slot)
    to.move('b', index)
    to.visit('carry')
    to.fetch('b', rounds)
    to.jumpIf('c', 'above', 0, `drain ${name}`)
    to.label(`drained ${name}`)
  }
  to.fetch('e', slot)
  for (const offset of [field.out, field.err]) { to.load('b', 'e', offset); to.call('close', ['b'], 'b') }
  to.move('b', 0)
  to.store('b', 'e', field.key)
  to.leave()
}
