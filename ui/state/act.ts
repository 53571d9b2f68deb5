/** What changes the cluster: asked first, aimed at an object with its uid. */
import { done, type Facts, say, type Step, unlessReadOnly } from './step.ts'
import { chosenTargets, currentContainer, currentTarget, currentRow, processTarget } from './targets.ts'
import { type Dialog, type Target, topScreen, type UiState, withTop } from './ui-state.ts'

const armedMilliseconds = 2_000
const restartable = ['deployments', 'daemonsets', 'statefulsets']
const scalable = ['deployments', 'replicasets', 'statefulsets']

const ask = (state: UiState, dialog: Dialog): Step => done({ ...state, dialog, flash: undefined, pane: { ...state.pane, focused: false } })

/** The object under the cursor, if it is of these resources. */
const targetAmong = (state: UiState, plurals: readonly string[], facts: Facts): Target | undefined => {
  const target = currentTarget(state, facts)
  return target && plurals.includes(target.kind.plural) ? target : undefined
}

export const askDelete = (state: UiState, facts: Facts): Step => unlessReadOnly(state, () => {
  const targets = chosenTargets(state, facts)
  return targets.length > 0 ? ask(state, { dialog: 'delete', targets, grace: 0, propagation: 0 }) : say(state, 'warn', 'nothing to delete here')
})

/** The first press arms, the second within two seconds, on the same object, does it. */
export const kill = (state: UiState, facts: Facts): Step => unlessReadOnly(state, () => {
  const aim = currentContainer(state, facts)
  if (!aim || topScreen(state).screen === 'logs') return say(state, 'warn', 'kill is for pods, containers and processes')
  const id = `${aim.pod.uid}/${aim.container}/${aim.pid ?? ''}`
  if (state.armed?.uid === id && facts.monotonic <= state.armed.until) return { state: { ...state, armed: undefined }, effect: { do: 'kill', target: processTarget(aim) } }
  return done({ ...state, flash: undefined, armed: { uid: id, until: facts.monotonic + armedMilliseconds } })
})

export const askSignal = (state: UiState, facts: Facts): Step => unlessReadOnly(state, () => {
  const aim = currentContainer(state, facts)
  return aim && topScreen(state).screen !== 'logs' ? ask(state, { dialog: 'signal', target: processTarget(aim), chosen: 0, number: '' }) : say(state, 'warn', 'signals are for pods, containers and processes')
})

export const askScale = (state: UiState, facts: Facts): Step => unlessReadOnly(state, () => {
  const target = targetAmong(state, scalable, facts)
  const replicas = (currentRow(state, facts)?.object['spec'] as { replicas?: number } | undefined)?.replicas ?? 1
  return target ? ask(state, { dialog: 'scale', target, text: String(replicas) }) : say(state, 'warn', 'only deployments, replica sets and stateful sets scale')
})

export const askRestart = (state: UiState, facts: Facts): Step => unlessReadOnly(state, () => {
  const target = targetAmong(state, restartable, facts)
  return target ? ask(state, { dialog: 'confirm', question: `Restart ${target.kind.singular} ${target.namespace}/${target.name}, pod by pod?`, action: { do: 'restart', target } })
    : say(state, 'warn', 'only deployments, daemon sets and stateful sets have a rollout')
})

export const askCordon = (state: UiState, unschedulable: boolean, facts: Facts): Step => unlessReadOnly(state, () => {
  const target = targetAmong(state, ['nodes'], facts)
  if (!target) return say(state, 'warn', 'only nodes are cordoned')
  return ask(state, { dialog: 'confirm', question: `${unschedulable ? 'Cordon' : 'Uncordon'} node ${target.name}?`, action: { do: 'cordon', target, unschedulable } })
})

export const shell = (state: UiState, facts: Facts): Step => {
  if (targetAmong(state, scalable, facts)) return askScale(state, facts)
  return unlessReadOnly(state, () => {
    const aim = currentContainer(state, facts)
    return aim ? { state: { ...state, flash: undefined }, effect: { do: 'shell', pod: aim.pod, container: aim.container } } : say(state, 'warn', 'a shell is for pods and containers')
  })
}

export const edit = (state: UiState, facts: Facts): Step => unlessReadOnly(state, () => {
  const target = currentTarget(state, facts)
  return target ? { state: { ...state, flash: undefined }, effect: { do: 'edit', target } } : done(state)
})

export const mark = (state: UiState, facts: Facts): Step => {
  const screen = topScreen(state)
  const row = currentRow(state, facts)
  if (screen.screen !== 'table' || !row) return done(state)
  const marks = new Set(screen.marks)
  if (!marks.delete(row.uid)) marks.add(row.uid)
  return done(withTop(state, { ...screen, marks }))
}
