/** The terminal itself: sizes told once they have settled, and a way back to what it was before that works when nothing else does. */
import { writeSync } from 'node:fs'
import type { Clock } from '../src/api/clock.ts'

/** Mouse off, paste markers off, kitty keys off, colours off, the main screen, the cursor. */
const restored = '\u001b[?1000l\u001b[?1006l\u001b[?2004l\u001b[<u\u001b[0m\u001b[?1049l\u001b[?25h'

const settleMilliseconds = 40

/** To the corner, and everything from there on gone. Ink only takes back the lines that it wrote, which after a resize lie elsewhere. */
export const eraseScreen = '\u001b[H\u001b[J'

/** Puts the terminal back at once; may be called at any time, more than once. */
export const restoreTerminal = (stdin: NodeJS.ReadStream, stdout: NodeJS.WriteStream & { fd?: number }): void => {
  try { if (stdin.isTTY) stdin.setRawMode(false) } catch { /* the terminal is gone */ }
  try { writeSync(stdout.fd ?? 1, restored) } catch { /* the terminal is gone */ }
}

/**
 * The same stream for Ink, but a new size is there only after 40 ms of quiet: each event would paint twice, and what was painted in between would be cut.
 * Ink never hears of it: it would paint the old frame at the new size. `settled` is to clear the screen and make a new frame.
 */
export const calmStdout = (stdout: NodeJS.WriteStream, clock: Clock, settled: () => void): NodeJS.WriteStream => {
  let waiting: AbortController | undefined
  let { columns, rows } = stdout
  stdout.on('resize', () => {
    waiting?.abort()
    const mine = new AbortController()
    waiting = mine
    clock.sleep(settleMilliseconds, mine.signal).then(() => {
      ({ columns, rows } = stdout)
      settled()
    }, () => undefined)
  })
  const unlessResize = (of: 'on' | 'off') => (event: string, listener: () => void): void => { if (event !== 'resize') stdout[of](event, listener) }
  return new Proxy(stdout, {
    get: (target, name) => {
      if (name === 'on' || name === 'addListener') return unlessResize('on')
      if (name === 'off' || name === 'removeListener') return unlessResize('off')
      if (name === 'columns') return columns
      if (name === 'rows') return rows
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) as unknown : value
    },
  })
}

/** Ink may paint the old frame once more at the new size: the new one is let through first, and then drawn on a cleared screen. */
export const redrawResized = (dashboard: { resized(): void; redraw(): void }, flush: () => Promise<void>): void => {
  dashboard.resized()
  void flush().then(() => dashboard.redraw())
}
