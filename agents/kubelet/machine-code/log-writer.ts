/**
 * The program that carries what containers say from their FIFOs to their logs, one for all containers of a node: it lives on when the kubelet is killed, so no line that it has read is lost, and none is
 * written twice. It reads commands (runtime/logs/log-commands.ts) from standard input, which is a FIFO, and tells what there is to tell on standard output. It ends at once when another one has
 * that FIFO already.
 *
 * Log lines are those of the container runtime interface: `<RFC 3339 with nanoseconds> <stream> <F|P> <text>`. A chunk's end without a newline is written at once, tagged P: nothing is kept in memory, and
 * a prompt is seen when it is printed. What is read is written before anything else is read: a program that says more than the disk takes has to wait. A log is opened anew for every chunk, so whoever
 * renames it gets a new one. A chunk that the disk does not take as a whole is not written at all, and that is told.
 */
import type { Assembler } from './assembler.ts'
import { assembledProgram } from './assembler.ts'
import { writeDate } from './log-stamp.ts'

/** Offsets in a command, all of the same size, and what can be asked for. */
export const command = { bytes: 4096, operation: 0, key: 8, generation: 16, limit: 24, logFlags: 32, fifoFlags: 40, hasErrors: 48, log: 64, out: 1024, err: 2560 } as const
export const operations = { take: 1, give: 2, keepOnly: 3 } as const

/** Offsets in what is told, and its codes; a code below zero is an error's number. */
export const telling = { bytes: 24, key: 0, code: 8, generation: 16 } as const
export const codes = { full: 1, refused: 2, given: 3 } as const

/** As containerd cuts lines; a cut piece is tagged P and the next one goes on with it. */
export const maxLineBytes = 16 * 1024
export const maxLogPathBytes = 959
export const maxFifoPathBytes = 1535
export const maxContainers = 4096

// Where things are in memory.
const base = 0x2000_0000
const event = base
const time = base + 0x20
const told = base + 0x40
const lineEnd = base + 0x60
// Two beginnings of a line, the stream's name at an address that can be written to at once.
const headBytes = 40
const head = { F: base + 0x82, P: base + 0xc2 } as const
const [epoll, slot, stream, count, cursor, end, total, rounds, top, out, err, walk, year] = Array.from({ length: 13 }, (_, index) => base + 0x100 + index * 8) as [number, number, number, number, number, number, number, number, number, number, number, number, number]
const asked = base + 0x1000
const pieces = base + 0x2000
const maxPieces = 1024
const text = base + 0x8000
const textBytes = 0x1_0000
const slots = base + 0x1_8000
const slotBytes = 1024
const memoryBytes = 0x1_8000 + maxContainers * slotBytes

/** Of a container: its key (zero: the place is free), who asked for it, when its log is full, how its log is opened, what was told last, its FIFOs, and the name of its log. */
const field = { key: 0, generation: 8, limit: 16, logFlags: 24, told: 32, out: 40, err: 48, log: 64 } as const

const wordOf = (letters: string): bigint => Buffer.from(letters).readBigUInt64LE()

const prepare = (to: Assembler): void => {
  to.call('mmap', [base, memoryBytes, 3, 0x32, -1, 0], 'b')
  to.jumpIf('b', 'unequal', base, 'bad')
  // Both without waiting; and nobody else shall read what is asked.
  for (const descriptor of [0, 1]) to.call('fcntl', [descriptor, 4, 0o4002], 'b')
  to.call('flock', [0, 6], 'b')
  to.jumpIf('b', 'below', 0, 'bad')
  to.move('b', 0x0a)
  to.keep('b', lineEnd)
  const template = 'YYYY-MM-DDTHH:MM:SS.NNNNNNNNNZ stdout '
  for (const [index, letters] of ['YYYY-MM-', 'DDTHH:MM', ':SS.NNNN', 'NNNNNZ..'].entries()) { to.move('b', wordOf(letters)); to.keep('b', head.F + index * 8) }
  to.move('b', head.F + template.length)
  for (const [index, letter] of ['F', ' '].entries()) { to.move('c', letter.charCodeAt(0)); to.store('c', 'b', index, 1) }
  to.move('b', slots)
  to.keep('b', top)
  to.call('epoll_create1', [0o2000000], 'a')
  to.keep('a', epoll)
  listenTo(to, 0, 0, 'bad')
}

/** `data` comes back with the event. Where the kernel's structure is packed, it begins four bytes earlier. */
const eventData = ({ architecture }: Assembler): number => event + (architecture === 'x64' ? 4 : 8)

const listenTo = (to: Assembler, descriptor: 'b' | 'c' | 0, data: 'd' | 0, otherwise: string): void => {
  to.move('f', 1)
  to.keep('f', event)
  to.move('f', data)
  to.keep('f', eventData(to))
  to.fetch('a', epoll)
  to.call('epoll_ctl', ['a', 1, descriptor, event], 'f')
  to.jumpIf('f', 'below', 0, otherwise)
}

const loop = (to: Assembler): void => {
  to.label('loop')
  to.fetch('a', epoll)
  to.call('epoll_pwait', ['a', event, 1, -1, 0, 8], 'b')
  to.jumpIf('b', 'equal', 1, 'woken')
  // Stopped and continued: EINTR.
  to.jumpIf('b', 'equal', -4, 'loop')
  to.label('bad')
  to.call('exit_group', [1], 'b')
  to.label('woken')
  to.fetch('e', eventData(to))
  to.jumpIf('e', 'equal', 0, 'command')
  // Its address, and one more for what it says on standard error.
  to.move('f', 'e')
  to.divide('f', slotBytes, 'b')
  to.subtract('e', 'b')
  to.visit('carry')
  to.jump('loop')
}

/** What there is in the FIFO of container e (b: 0 out, 1 err) into its log, as far as one read goes. c: how much that was; not above zero: nothing. Changes all registers. */
const carry = (to: Assembler): void => {
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
const begin = (to: Assembler): void => {
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
const cut = (to: Assembler): void => {
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

/** The pieces before d to the log of the container; all of them, or none. */
const write = (to: Assembler): void => {
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
const say = (to: Assembler): void => {
  to.enter('say')
  to.keep('c', told + telling.key)
  to.keep('b', told + telling.code)
  to.keep('d', told + telling.generation)
  to.call('write', [1, told, telling.bytes], 'f')
  to.leave()
}

const answer = (to: Assembler, code: number): void => {
  to.move('b', code)
  to.fetch('c', asked + command.key)
  to.fetch('d', asked + command.generation)
  to.visit('say')
  to.jump('loop')
}

const obey = (to: Assembler): void => {
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

const openFifo = (to: Assembler, at: number): void => {
  to.fetch('f', asked + command.fifoFlags)
  to.call('openat', [-100, asked + at, 'f', 0], 'b')
}

/** What is there under that key is replaced: its FIFOs are let go when the new ones, which may be the same, are open. */
const take = (to: Assembler): void => {
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

/** The container with the key that is asked for, as e; zero if there is none. */
const find = (to: Assembler): void => {
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

// Who still writes, having got the FIFO from the container, must not keep all others waiting.
const lastRounds = 32

/** Everything that is still in the FIFOs of container e; then they are let go, and its place is free. */
const finish = (to: Assembler): void => {
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

/** `architecture`: as Node names it; undefined: none is known for it. */
export const logWriterProgram = (architecture: string): Buffer | undefined =>
  assembledProgram((to) => { for (const part of [prepare, loop, carry, begin, cut, write, say, obey, take, find, finish]) part(to) }, architecture)
