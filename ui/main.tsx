/** The dashboard in a terminal: modes, render options, and leaving the terminal as it was, however it ends. */
import { render } from 'ink'
import { systemClock } from '../src/api/clock.ts'
import { systemRandom } from '../src/api/random.ts'
import { connect, type Line, type WhichCluster } from './connect.ts'
import { createDashboard, type Dashboard } from './dashboard.ts'
import { noCluster } from './no-cluster.ts'
import { podsTable } from './plain-table.ts'
import { calmStdout, eraseScreen, redrawResized, restoreTerminal } from './terminal.ts'
import { glyphsFor, paletteFor } from './theme/palette.ts'
import { DashboardView } from './widgets/dashboard.tsx'

export interface RunDashboardOptions {
  kubeconfig?: string | undefined
  context?: string | undefined
  /** Absent: all. */
  namespace?: string | undefined
  readOnly: boolean
  /** What to type when there is no cluster. */
  startCommand: string
}

const longestMilliseconds = 60_000

const printOnce = async (which: WhichCluster, namespace: string | undefined, signal: AbortSignal): Promise<void> => {
  const { client, transport } = connect(which)
  // The line alone keeps no process alive.
  const answered = new AbortController()
  systemClock.sleep(longestMilliseconds, answered.signal).catch(() => undefined)
  try { process.stdout.write(await podsTable(client, namespace, signal)) } finally {
    answered.abort()
    transport.close()
  }
}

/** Whatever ends the process, the terminal comes first. A signal that nobody else waits for is sent again, so that the exit code tells of it. */
const guard = (restore: () => void): Disposable => {
  const handlers = (['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT'] as const).map((name) => {
    const waitedFor = process.listenerCount(name) > 0
    const handler = (): void => {
      restore()
      if (waitedFor) return
      process.removeAllListeners(name)
      process.kill(process.pid, name)
    }
    process.prependListener(name, handler)
    return () => process.off(name, handler)
  })
  process.on('exit', restore)
  process.on('uncaughtExceptionMonitor', restore)
  return {
    [Symbol.dispose]: () => {
      for (const remove of handlers) remove()
      process.off('exit', restore)
      process.off('uncaughtExceptionMonitor', restore)
    },
  }
}

/** Resolves when the user leaves, or `signal` aborts. Without a terminal one table is printed instead. */
export const runDashboard = async ({ kubeconfig, context, namespace, readOnly, startCommand }: RunDashboardOptions, signal: AbortSignal): Promise<void> => {
  const which: WhichCluster = { kubeconfig, context }
  if (!process.stdout.isTTY || !process.stdin.isTTY) return printOnce(which, namespace, signal)
  const open = (asked: WhichCluster): Line => {
    try { return connect(asked) } catch (error) {
      if (asked !== which) throw error
      return noCluster(error)
    }
  }
  const ended = new AbortController()
  const until = AbortSignal.any([signal, ended.signal])
  let clear = (): void => undefined
  let flush = (): Promise<void> => Promise.resolve()
  const stdout = calmStdout(process.stdout, systemClock, () => redrawResized(dashboard, flush))
  const dashboard: Dashboard = createDashboard({
    open, which, namespace, readOnly, startCommand, clock: systemClock, random: systemRandom,
    size: () => ({ columns: stdout.columns, rows: stdout.rows }), clear: () => clear(),
  }, until)
  let unmount = (): void => undefined
  // Ink first: its last frame belongs to the screen that is left.
  const restore = (): void => {
    unmount()
    restoreTerminal(process.stdin, process.stdout)
  }
  // Before Ink listens to signals, too: it is not one who waits for them.
  using _guard = guard(restore)
  const instance = render(<DashboardView dashboard={dashboard} theme={{ palette: paletteFor(process.env), glyphs: glyphsFor(process.env) }} />, {
    stdout, exitOnCtrlC: false, patchConsole: false, alternateScreen: true, incrementalRendering: true, maxFps: 30, interactive: true,
  })
  unmount = () => instance.unmount()
  flush = () => instance.waitUntilRenderFlush()
  clear = () => {
    instance.clear()
    stdout.write(eraseScreen)
  }
  const leave = (): void => instance.unmount()
  signal.addEventListener('abort', leave)
  if (signal.aborted) leave()
  try { await instance.waitUntilExit() } finally {
    signal.removeEventListener('abort', leave)
    ended.abort()
    restore()
    process.stdin.pause()
    process.stdin.unref()
  }
}
