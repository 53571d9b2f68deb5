/** The commands of the kubelet: take a container on, give it back, keep only those of one kubelet. */
import type { Assembler } from '../assembler.ts'
import { asked, field, slotBytes, slots, top, walk } from './layout.ts'
import { codes, command, operations } from './protocol.ts'

/** The end of a command: it is told how it went. */
export const answer = (to: Assembler, code: number): void => {
  to.move('b', code)
  to.fetch('c', asked + command.key)
  to.fetch('d', asked + command.generation)
  to.visit('say')
  to.jump('loop')
}

export const obey = (to: Assembler): void => {
  to.label('command')
  to.call('read', [0, asked, command.bytes], 'b')
  to.jumpIf('b', 'unequal', command.bytes, 'loop')
  to.fetch('b', asked + command.operation)
  for (const name of ['take', 'give', 'keepOnly'] as const) to.jumpIf('b', 'equal', operations[name], name)
  to.jump('loop')

  to.label('give')
  to.visit('find')
  to.jumpIf('e', 'equal', 0, 'given')
  to.visit('end')
  to.label('given')
  answer(to, codes.given)

  to.label('keepOnly')
  to.move('e', slots)
  to.label('each')
  to.fetch('f', top)
  to.jumpIf('e', 'atLeast', 'f', 'loop')
  to.keep('e', walk)
  to.load('b', 'e', field.key)
  to.jumpIf('b', 'equal', 0, 'kept')
  to.load('b', 'e', field.generation)
  to.fetch('c', asked + command.generation)
  to.jumpIf('b', 'equal', 'c', 'kept')
  to.visit('end')
  to.label('kept')
  to.fetch('e', walk)
  to.add('e', slotBytes)
  to.jump('each')
}

/** The container with the key that is asked for, as e; zero if there is none. */
export const find = (to: Assembler): void => {
  to.enter('find')
  to.fetch('b', asked + command.key)
  to.fetch('c', top)
  to.move('e', slots)
  to.label('look')
  to.jumpIf('e', 'atLeast', 'c', 'none')
  to.load('d', 'e', field.key)
  to.jumpIf('d', 'equal', 'b', 'found')
  to.add('e', slotBytes)
  to.jump('look')
  to.label('none')
  to.move('e', 0)
  to.label('found')
  to.leave()
}
