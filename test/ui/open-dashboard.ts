/** The dashboard on a fake cluster, with a clock that stands still until it is told: what the tests press and read. */
import { createDashboard, type Dashboard } from '../../ui/dashboard.ts'
import type { Frame, Line, PaneFrame } from '../../ui/screens/frame.ts'
import { fit } from '../../ui/text/fit.ts'
import { type FakeClock, fakeClock, settle } from '../support/fake-clock.ts'
import type { FakeCluster } from './fake-cluster.ts'
import { now } from './scene.ts'

const textOf = (line: Line): string => line.map(({ text }) => text).join('')

const paneText = ({ title, info, width, height, lines }: PaneFrame): string[] => {
  const name = ` ${title} `.slice(0, width - 4)
  const said = info === '' ? '' : ` ${info} `
  const room = width - 4 - name.length
  const shown = room > 6 && info !== '' ? (said.length <= room - 2 ? said : `${said.slice(0, room - 3)}~`) : ''
  return [`+-${name}${'-'.repeat(room - shown.length)}${shown}-+`, ...Array.from({ length: height - 2 }, (_, row) => `|${fit(lines[row] ? textOf(lines[row]) : '', width - 2)}|`), `+${'-'.repeat(width - 2)}+`]
}

/** A frame as the terminal is to show it, in ASCII. */
export const frameText = ({ header, bands, footer }: Frame): string =>
  [...header.map(textOf), ...bands.flatMap((panes) => { const texts = panes.map(paneText); return (texts[0] ?? []).map((_, row) => texts.map((text) => text[row] ?? '').join('')) }), ...footer.map(textOf)].join('\n')

export interface OpenDashboard extends Disposable {
  dashboard: Dashboard
  clock: FakeClock
  cluster: FakeCluster
  size: { columns: number; rows: number }
  /** Frames drawn so far. */
  frames(): number
  /** Presses keys one by one, and lets what they began come to rest. */
  press(...keys: string[]): Promise<void>
  /** Lets this many milliseconds pass. */
  pass(milliseconds: number): Promise<void>
  text(): string
  left(): boolean
}

export const openDashboard = async (cluster: FakeCluster, { columns = 80, rows = 24, readOnly = false }: { columns?: number; rows?: number; readOnly?: boolean } = {}): Promise<OpenDashboard> => {
  const clock = fakeClock(now)
  const stop = new AbortController()
  const size = { columns, rows }
  const dashboard = createDashboard({
    open: () => cluster.line(), which: {}, namespace: undefined, readOnly, startCommand: 'wherry up', clock, random: { next: () => 0.5, uuid: () => '' }, size: () => size, clear: () => undefined,
  }, stop.signal)
  let frames = 0
  let left = false
  dashboard.subscribe(() => { frames += 1 })
  dashboard.attach({ exit: () => { left = true }, suspend: (work) => work() })
  const pass = (milliseconds: number): Promise<void> => clock.advance(milliseconds)
  await pass(300)
  await settle()
  await pass(1_000)
  return {
    dashboard, clock, cluster, size, pass, frames: () => frames, text: () => frameText(dashboard.frame()), left: () => left,
    press: async (...keys) => {
      for (const key of keys) {
        dashboard.press([key])
        await settle()
        await pass(250)
      }
    },
    [Symbol.dispose]: () => stop.abort(),
  }
}
