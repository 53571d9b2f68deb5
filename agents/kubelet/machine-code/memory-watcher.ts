/**
 * The program that tells, by a byte on standard output for each time, that the kernel has something to say about memory: neither Node nor a program of the machine makes event descriptors, or waits for
 * exceptional conditions. What to listen to it reads from standard input, as a record of `request`; another record replaces it, and the end of the input is its own.
 *
 * With `usage`, `line` goes into `control` as cgroup version 1 wants it (cgroup.event_control: event descriptor 3, usage 4, and how much). Without, `line` is a trigger that is written into `control`, which is
 * then waited for (pressure stall information). It ends with 1 when the kernel refuses.
 */
import { type Assembler, assembledProgram } from './assembler.ts'

/** Offsets in a record. Texts end with a zero. */
const request = { bytes: 640, control: 0, line: 256, lineBytes: 320, usage: 384 } as const

/** `usage` '' for none. Throws for what is too long. */
export const memoryRequest = ({ control, line, usage }: { control: string; line: string; usage: string }): Buffer => {
  const record = Buffer.alloc(request.bytes)
  for (const [text, at, room] of [[control, request.control, 256], [line, request.line, 64], [usage, request.usage, 256]] as const) {
    if (Buffer.byteLength(text) >= room) throw new Error(`${JSON.stringify(text)} is too long for the memory watcher`)
    record.write(text, at)
  }
  record.writeBigUInt64LE(BigInt(Buffer.byteLength(line)), request.lineBytes)
  return record
}

/** The event descriptor and the usage's are always these. */
export const usageLine = (bytes: number): string => `3 4 ${Math.max(1, Math.round(bytes))}`

const base = 0x2000_0000
// Three structures of poll: standard input, the event descriptor, the trigger.
const polls = base + 1024
const drained = base + 2048
const [pollIn, pollPri] = [1, 2]
const here = -100

const openAs = (to: Assembler, [file, flags, wanted]: readonly [number, number, number]): void => {
  to.call('openat', [here, file, flags, 0], 'b')
  to.jumpIf('b', 'unequal', wanted, 'bad')
}

const tell = (to: Assembler): void => {
  to.call('write', [5, base + request.line, 'c'], 'b')
  to.jumpIf('b', 'below', 0, 'bad')
}

const read = (to: Assembler): void => {
  to.call('mmap', [base, 4096, 3, 0x32, -1, 0], 'b')
  to.jumpIf('b', 'unequal', base, 'bad')
  to.label('again')
  to.move('c', 0)
  to.label('more')
  to.move('d', 'c')
  to.add('d', base)
  to.move('e', request.bytes)
  to.subtract('e', 'c')
  to.call('read', [0, 'd', 'e'], 'f')
  to.jumpIf('f', 'atMost', 0, 'bad')
  to.add('c', 'f')
  to.jumpIf('c', 'below', request.bytes, 'more')
}

/** Leaves the descriptor of the trigger, or -1, in `e`. */
const register = (to: Assembler): void => {
  // Descriptors have known numbers when nothing else is open.
  to.move('d', 3)
  to.label('close')
  to.call('close', ['d'], 'b')
  to.add('d', 1)
  to.jumpIf('d', 'below', 64, 'close')
  to.call('eventfd2', [0, 0o4000], 'b')
  to.jumpIf('b', 'unequal', 3, 'bad')
  to.move('a', base)
  to.load('c', 'a', request.lineBytes)
  to.load('b', 'a', request.usage, 1)
  to.jumpIf('b', 'equal', 0, 'trigger')
  openAs(to, [base + request.usage, 0, 4])
  openAs(to, [base + request.control, 1, 5])
  tell(to)
  to.call('close', [5], 'b')
  to.move('e', -1)
  to.jump('listen')
  to.label('trigger')
  to.call('dup', [3], 'b')
  openAs(to, [base + request.control, 0o4002, 5])
  tell(to)
  to.move('e', 5)
}

const listen = (to: Assembler): void => {
  to.label('listen')
  to.move('a', polls)
  for (const [index, [descriptor, events]] of ([[0, pollIn], [3, pollIn], ['e', pollPri]] as const).entries()) {
    to.move('b', descriptor)
    to.store('b', 'a', index * 8, 4)
    to.move('b', events)
    to.store('b', 'a', index * 8 + 4, 4)
  }
  to.label('wait')
  to.call('ppoll', [polls, 3, 0, 0, 8], 'b')
  to.jumpIf('b', 'below', 0, 'bad')
  // What is wanted in the lower half, what has happened in the upper one.
  to.load('b', 'a', 4, 4)
  to.jumpIf('b', 'unequal', pollIn, 'again')
  to.load('b', 'a', 20, 4)
  to.jumpIf('b', 'equal', pollPri, 'event')
  to.jumpIf('b', 'unequal', pollPri + pollPri * 0x1_0000, 'bad')
  to.jump('say')
  to.label('event')
  to.load('b', 'a', 12, 4)
  to.jumpIf('b', 'equal', pollIn, 'wait')
  to.call('read', [3, drained, 8], 'b')
  to.label('say')
  to.call('write', [1, base + request.line, 1], 'b')
  to.jumpIf('b', 'below', 0, 'bad')
  to.jump('wait')
  to.label('bad')
  to.call('exit_group', [1], 'b')
}

/** `architecture`: as Node names it; undefined: none is known for it. */
export const memoryWatcherProgram = (architecture: string): Buffer | undefined => assembledProgram((to) => { for (const part of [read, register, listen]) part(to) }, architecture)
