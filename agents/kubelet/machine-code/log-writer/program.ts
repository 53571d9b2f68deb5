/**
 * The program that carries what containers say from their FIFOs to their logs, one for all containers of a node: it lives on when the kubelet is killed, so no line that it has read is lost, and none is
 * written twice. It reads commands (runtime/logs/log-commands.ts) from standard input, which is a FIFO, and tells what there is to tell on standard output. It ends at once when another one has
 * that FIFO already.
 *
 * Log lines are those of the container runtime interface: `<RFC 3339 with nanoseconds> <stream> <F|P> <text>`. A chunk's end without a newline is written at once, tagged P: nothing is kept in memory, and
 * a prompt is seen when it is printed. What is read is written before anything else is read: a program that says more than the disk takes has to wait. A log is opened anew for every chunk, so whoever
 * renames it gets a new one. A chunk that the disk does not take as a whole is not written at all, and that is told.
 */
import type { Assembler } from '../assembler.ts'
import { assembledProgram } from '../assembler.ts'
import { finish, take } from './containers.ts'
import { listenTo, loop } from './events.ts'
import { base, epoll, head, lineEnd, memoryBytes, slots, top, wordOf } from './layout.ts'
import { begin, carry, cut } from './lines.ts'
import { find, obey } from './obey.ts'
import { say, write } from './write.ts'

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

/** `architecture`: as Node names it; undefined: none is known for it. */
export const logWriterProgram = (architecture: string): Buffer | undefined =>
  assembledProgram((to) => { for (const part of [prepare, loop, carry, begin, cut, write, say, obey, take, find, finish]) part(to) }, architecture)
