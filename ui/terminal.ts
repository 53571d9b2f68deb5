/** The terminal itself: sizes told once they have settled, and a way back to what it was before that works when nothing else does. */
import { writeSync } from 'node:fs'
import type { Clock } from '../src/api/clock.ts'

/** Mouse off, paste markers off, kitty keys off, colours off, the main screen, the cursor. */
const restored = '\u001b[?1000l\u001b[?1006l\u001b[?2004l\u001b[<u\u001b[0m\u001b[?1049l\u001b[?25h'

const settleMilliseconds = 40

/** Puts the terminal back at once; may be called at any time, more than once. */
export const restoreTerminal = (stdin: NodeJS.ReadStream, stdout: NodeJS.WriteStream & { fd?: number }): void => {
  try { if (stdin.isTTY) stdin.setRawMode(false) } catch { /* the terminal is gone */ }
  try { writeSync(stdout.fd ?? 1, restored) } catch { /* the terminal is gone */ }
}

/** The same stream, but `resize` is told once, after 40 ms of quiet: each event would paint twice. */
export const calmStdout = (stdout: NodeJS.WriteStream, clock: Clock, settled: () => void): NodeJS.WriteStream => {
  const listeners = new Set<() => void>()
  let waiting: AbortController | undefined
  stdout.on('resize', () => {
    waiting?.abort()
    const mine = new AbortController()
    waiting = mine
    clock.sleep(settleMilliseconds, mine.signal).then(() => {
      settled()
      for (const listener of listeners) listener()
    }, () => undefined)
  })
  return new Proxy(stdout, {
    get: (target, name) => {
      if (name === 'on' || name === 'addListener') return (event: string, listener: () => void) => { if (event === 'resize') listeners.add(listener); else target.on(event, listener) }
      if (name === 'off' || name === 'removeListener') return (event: string, listener: () => void) => { if (event === 'resize') listeners.delete(listener); else target.off(event, listener) }
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) as unknown : value
    },
  })
}
