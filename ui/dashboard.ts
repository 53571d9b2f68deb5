/** The dashboard without a terminal: keys in, frames out. What is drawn is decided here, how it is drawn in widgets/. */
import type { Clock } from '../src/api/clock.ts'
import { Events, type Kind, Pods } from '../src/api/kinds.ts'
import type { Random } from '../src/api/random.ts'
import { failureWords, perform } from './actions/perform.ts'
import { contextNames, type Line, type WhichCluster } from './connect.ts'
import { layoutOf } from './layout/layout.ts'
import { dashboardFrame, detailTarget, hasDetail } from './screens/dashboard.ts'
import { type Frame, mergeFrames } from './screens/frame.ts'
import type { Model } from './screens/model.ts'
import { textLines } from './screens/text-pane.ts'
import { placeCursor } from './state/move.ts'
import { pressKey } from './state/reduce.ts'
import type { Effect, Facts } from './state/step.ts'
import { initialState, type Screen, tableScreen, topScreen, type UiState } from './state/ui-state.ts'
import { alwaysWatched, type Cluster, openCluster } from './store/cluster.ts'
import { nodeUidOf } from './store/node-uid.ts'
import { pace } from './store/pace.ts'
import { containerRows } from './views/containers.ts'
import { defaultContainer, podOf } from './views/pod-object.ts'
import { rowSelector } from './views/select-rows.ts'

export interface TerminalHandles { exit(): void; suspend(work: () => Promise<void>): Promise<void> }

export interface Dashboard {
  subscribe(changed: () => void): () => void
  frame(): Frame
  press(keys: readonly string[]): void
  /** What only the terminal can do; returns the way to let go of it. */
  attach(handles: TerminalHandles): () => void
  /** A frame for the new size. */
  resized(): void
  /** The screen cleared and everything drawn anew. */
  redraw(): void
}

export interface DashboardContext {
  open(which: WhichCluster): Line
  which: WhichCluster
  namespace: string | undefined
  readOnly: boolean
  startCommand: string
  clock: Clock
  random: Random
  size(): { columns: number; rows: number }
  /** Clears the screen before the next frame. */
  clear(): void
}

const tickMilliseconds = 1_000
/** Ages of older objects change once a minute. */
const slowTicks = 60
const youngMilliseconds = 125_000

export const createDashboard = (context: DashboardContext, signal: AbortSignal): Dashboard => {
  const { clock, random } = context
  const listeners = new Set<() => void>()
  let state: UiState = initialState(tableScreen(Pods, context.namespace), context.readOnly)
  let line = context.open(context.which)
  let generation = new AbortController()
  let handles: TerminalHandles | undefined
  let shown: Frame | undefined
  let redraw = 0
  let ticks = 0

  const marker = pace({ clock, draw: () => draw() }, signal)
  const openLine = (): Cluster => openCluster({ client: line.client, clock, random, identity: line.identity, mark: marker.mark }, AbortSignal.any([generation.signal, signal]))
  let cluster = openLine()
  let selectRows = rowSelector(cluster.usage)

  const model = (): Model => ({
    state, cluster, ...context.size(), now: clock.now(), monotonic: clock.monotonic(), redraw, startCommand: context.startCommand,
    feedOf: (screen) => cluster.feeds.of(screen.kind),
    rowsOf: (screen) => selectRows(screen, cluster.feeds.of(screen.kind)),
    containerRows: ({ pod }) => {
      const row = cluster.pods.rows.get(pod.uid)
      return row ? containerRows(podOf(row), { processes: cluster.processes.value?.value, usage: cluster.usage.pods.get(nodeUidOf(row.object)) }) : []
    },
  })

  /** What the screen shows is what is read from the cluster, and nothing else. */
  const want = (of: Model): void => {
    const screen = topScreen(state)
    const strips = of.columns >= 180 && of.rows >= 50
    const target = detailTarget(of, screen)
    const tab = hasDetail(screen) && state.pane.size !== 'none' ? state.pane.tab : undefined
    const kinds: Kind[] = [...alwaysWatched, ...state.stack.flatMap((each) => (each.screen === 'table' ? [each.kind] : each.screen === 'text' && 'kind' in each.topic ? [each.topic.kind] : []))]
    if (strips || tab === 'events' || tab === 'heal' || (screen.screen === 'text' && screen.topic.of === 'describe')) kinds.push(Events)
    cluster.feeds.keep(kinds)
    const pod = target.isPod && target.row ? podOf(target.row) : undefined
    const wish = { previous: false, sinceSeconds: undefined }
    cluster.log.want(screen.screen === 'logs' ? { namespace: screen.pod.namespace, pod: screen.pod.name, uid: screen.pod.uid, container: screen.container, previous: screen.previous, sinceSeconds: screen.sinceSeconds }
      : (tab === 'log' || strips) && pod ? { ...wish, namespace: pod.metadata.namespace ?? '', pod: pod.metadata.name, uid: pod.metadata.uid, container: defaultContainer(pod) } : undefined)
    cluster.processes.want((tab === 'procs' || screen.screen === 'containers') && pod ? { node: pod.spec?.nodeName ?? '', podUid: nodeUidOf(pod) } : undefined)
    cluster.decisions.want(screen.screen === 'text' && screen.topic.of === 'why' ? { pod: `${screen.topic.pod.namespace}/${screen.topic.pod.name}` } : undefined)
  }

  /** The cursor is made to be on an object as soon as there is one, and remembers where that stands. */
  const settleCursor = (of: Model): void => {
    const screen = topScreen(state)
    if (screen.screen !== 'table') return
    const rows = of.rowsOf(screen)
    const index = rows.findIndex(({ uid }) => uid === screen.cursor)
    const next = screen.cursor === undefined || !screen.placed ? 0 : index >= 0 ? index : Math.min(screen.index, rows.length - 1)
    if (rows.length === 0 || (index === next && index === screen.index)) return
    state = { ...state, stack: [...state.stack.slice(0, -1), { ...screen, index: next, cursor: rows[next]?.uid }] }
  }

  const draw = (): void => {
    if (state.armed && clock.monotonic() > state.armed.until) state = { ...state, armed: undefined }
    marker.hurry(cluster.heal.open().length > 0)
    const before = model()
    if (!state.paused) settleCursor(before)
    want(before)
    if (state.paused && shown && shown.redraw === redraw && !pressed) return
    pressed = false
    const next = mergeFrames(shown, dashboardFrame({ ...before, state }))
    if (next === shown) return
    if (shown && next.redraw !== shown.redraw) context.clear()
    shown = next
    for (const listener of listeners) listener()
  }
  let pressed = false

  const facts = (): Facts => {
    const of = model()
    const screen: Screen = topScreen(state)
    const layout = layoutOf(of.columns, of.rows, { header: state.header, pane: state.pane.size, hasDetail: hasDetail(screen) })
    return {
      rows: screen.screen === 'table' ? of.rowsOf(screen) : [], containers: screen.screen === 'containers' ? of.containerRows(screen) : [],
      lines: screen.screen === 'text' ? textLines(of, screen.topic, of.columns - 6) : [], logTexts: screen.screen === 'logs' ? (cluster.log.value?.lines ?? []).map(({ text }) => text) : [],
      page: Math.max(1, (layout?.main.height ?? 10) - (hasDetail(screen) ? 3 : 2)), kinds: cluster.kinds(),
      namespaces: [...new Set([...cluster.pods.rows.values()].map(({ namespace }) => namespace))].sort(), ownNamespace: line.identity.namespace,
      podRow: (uid) => cluster.pods.rows.get(uid), monotonic: clock.monotonic(),
    }
  }

  const flash = (level: 'info' | 'warn' | 'error', text: string): void => {
    state = { ...state, flash: { level, text } }
    pressed = true
    marker.mark('key')
  }

  const inTerminal = async (work: () => Promise<string>): Promise<void> => {
    let said: { level: 'info' | 'error'; text: string } | undefined
    await handles?.suspend(async () => {
      try { const text = await work(); if (text !== '') said = { level: 'info', text } } catch (error) { said = { level: 'error', text: failureWords(error) } }
    })
    if (said) flash(said.level, said.text)
  }

  const switchContext = (name: string): void => {
    try {
      if (name === '') { flash('info', `contexts: ${contextNames(context.which).join(', ')}`); return }
      const next = context.open({ ...context.which, context: name })
      generation.abort()
      line.transport.close()
      generation = new AbortController()
      line = next
      cluster = openLine()
      selectRows = rowSelector(cluster.usage)
      state = initialState(tableScreen(Pods, undefined), state.readOnly)
      flash('info', `context ${name}`)
    } catch (error) { flash('error', failureWords(error)) }
  }

  const run = (effect: Effect): void => {
    switch (effect.do) {
      case 'quit': handles?.exit(); return
      case 'redraw': redraw += 1; return
      case 'context': switchContext(effect.name); return
      case 'edit': void inTerminal(async () => (await import('./actions/edit.ts')).editObject(line.client, effect.target)); return
      case 'shell': void inTerminal(async () => (await import('./actions/shell.ts')).openShell(line.access, effect, { stdin: process.stdin, stdout: process.stdout })); return
      default: perform(line.client, effect, clock).then((text) => flash('info', text), (error: unknown) => flash('error', failureWords(error)))
    }
  }

  /** Once a second somebody looks whether time alone changes the picture: the count of an outage, young ages, an armed key. */
  const tick = async (): Promise<void> => {
    while (!signal.aborted) {
      await clock.sleep(tickMilliseconds, signal).catch(() => undefined) // aborted: the loop's condition sees it
      const now = clock.now().getTime()
      const young = [...cluster.pods.rows.values()].some(({ object }) => now - Date.parse(object.metadata.creationTimestamp) < youngMilliseconds)
      if (cluster.connection.now.state !== 'live' || young || state.armed || ++ticks % slowTicks === 0) marker.mark('slow')
    }
  }

  draw()
  void tick()
  signal.addEventListener('abort', () => line.transport.close())
  return {
    subscribe: (changed) => { listeners.add(changed); return () => { listeners.delete(changed) } },
    frame: () => shown ?? mergeFrames(undefined, dashboardFrame(model())),
    press: (keys) => {
      for (const key of keys) {
        state = placeCursor(state, key)
        const step = pressKey(state, key, facts())
        state = step.state
        if (step.effect) run(step.effect)
      }
      pressed = true
      marker.mark('key')
    },
    attach: (given) => { handles = given; return () => { handles = undefined } },
    resized: () => marker.mark('key'),
    redraw: () => { redraw += 1; marker.mark('key') },
  }
}
