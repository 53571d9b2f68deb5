/** What the log writer does to the world: a chunk of a log to the disk, and what there is to tell to the kubelet. */
import type { Assembler } from '../assembler.ts'
import { field, pieces, slot, told, total } from './layout.ts'
import { codes, telling } from './protocol.ts'

/** The pieces before d to the log of the container; all of them, or none. */
export const write = (to: Assembler): void => {
  to.enter('write')
  to.move('c', pieces)
  to.move('f', 0)
  to.label('sum')
  to.load('a', 'c', 8)
  to.add('f', 'a')
  to.add('c', 16)
  to.jumpIf('c', 'below', 'd', 'sum')
  to.keep('f', total)
  to.subtract('d', pieces)
  to.divide('d', 16, 'a')
  to.fetch('e', slot)
  to.move('c', 'e')
  to.add('c', field.log)
  to.load('a', 'e', field.logFlags)
  to.call('openat', [-100, 'c', 'a', 0o640], 'f')
  to.move('b', 'f')
  to.jumpIf('f', 'below', 0, 'tell')
  to.call('writev', ['f', pieces, 'd'], 'b')
  to.fetch('c', total)
  to.jumpIf('b', 'equal', 'c', 'written')
  to.jumpIf('b', 'below', 0, 'close')
  // The disk took a part: ENOSPC, and the part goes.
  to.call('lseek', ['f', 0, 2], 'c')
  to.subtract('c', 'b')
  to.call('ftruncate', ['f', 'c'], 'c')
  to.move('b', -28)
  to.jump('close')
  to.label('written')
  to.call('lseek', ['f', 0, 1], 'd')
  to.move('b', 0)
  to.jumpIf('d', 'unequal', 'c', 'older')
  // A new log: of this one nothing has been told yet.
  to.store('b', 'e', field.told)
  to.label('older')
  to.load('c', 'e', field.limit)
  to.jumpIf('d', 'below', 'c', 'close')
  to.move('b', codes.full)
  to.label('close')
  to.call('close', ['f'], 'f')
  // What stays as it is is told once.
  to.label('tell')
  to.load('c', 'e', field.told)
  to.jumpIf('b', 'equal', 'c', 'done')
  to.jumpIf('b', 'equal', 0, 'note')
  to.load('c', 'e', field.key)
  to.load('d', 'e', field.generation)
  to.visit('say')
  to.jumpIf('f', 'below', 0, 'done')
  to.label('note')
  to.store('b', 'e', field.told)
  to.label('done')
  to.leave()
}

/** Code b of key c to the generation d; f below zero: nobody listens. */
export const say = (to: Assembler): void => {
  to.enter('say')
  to.keep('c', told + telling.key)
  to.keep('b', told + telling.code)
  to.keep('d', told + telling.generation)
  to.call('write', [1, told, telling.bytes], 'f')
  to.leave()
}
