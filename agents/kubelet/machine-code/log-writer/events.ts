/** What wakes the log writer: descriptors that epoll watches, each with the number that comes back with it. */
import type { Assembler } from '../assembler.ts'
import { epoll, event, slotBytes } from './layout.ts'

/** `data` comes back with the event. Where the kernel's structure is packed, it begins four bytes earlier. */
const eventData = ({ architecture }: Assembler): number => event + (architecture === 'x64' ? 4 : 8)

/** `data`: what comes back when there is something to read; `otherwise`: where to go when it cannot be watched. */
export const listenTo = (to: Assembler, descriptor: 'b' | 'c' | 0, data: 'd' | 0, otherwise: string): void => {
  to.move('f', 1)
  to.keep('f', event)
  to.move('f', data)
  to.keep('f', eventData(to))
  to.fetch('a', epoll)
  to.call('epoll_ctl', ['a', 1, descriptor, event], 'f')
  to.jumpIf('f', 'below', 0, otherwise)
}

/** Waits for one event, and goes where it belongs; what is told by data 0 is a command. */
export const loop = (to: Assembler): void => {
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
