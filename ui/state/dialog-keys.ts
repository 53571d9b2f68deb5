/** Keys while a dialog asks: `y` (or enter, where something was typed or chosen) does it, anything that looks like leaving leaves. */
import { graces, propagations, signals } from './dialogs.ts'
import { done, type Effect, say, type Step } from './step.ts'
import type { Dialog, UiState } from './ui-state.ts'

type Of<D extends Dialog['dialog']> = Extract<Dialog, { dialog: D }>

const turned = (value: number, by: number, count: number): number => (value + by + count) % count
const close = (state: UiState, effect?: Effect): Step => ({ state: { ...state, dialog: undefined }, ...(effect && { effect }) })
const keep = (state: UiState, dialog: Dialog): Step => done({ ...state, dialog })
const sideways = (key: string): number => (key === 'left' || key === 'h' ? -1 : key === 'right' || key === 'l' ? 1 : 0)
const leaves = (key: string): boolean => key === 'esc' || key === 'n' || key === 'q'

const inDelete = (state: UiState, dialog: Of<'delete'>, key: string): Step => {
  if (key === 'y') return close(state, { do: 'delete', targets: dialog.targets, graceSeconds: graces[dialog.grace]?.seconds, propagation: propagations[dialog.propagation] ?? 'Background' })
  if (leaves(key) || key === 'enter') return close(state)
  if (key === 'tab') return keep(state, { ...dialog, propagation: turned(dialog.propagation, 1, propagations.length) })
  return keep(state, { ...dialog, grace: turned(dialog.grace, sideways(key), graces.length) })
}

const inSignal = (state: UiState, dialog: Of<'signal'>, key: string): Step => {
  if (key === 'enter') {
    const number = Number(dialog.number)
    if (dialog.number !== '' && (number < 1 || number > 64)) return say(state, 'error', 'signals are numbers from 1 to 64')
    return close(state, { do: 'signal', target: dialog.target, signal: dialog.number === '' ? `SIG${signals[dialog.chosen] ?? 'TERM'}` : number })
  }
  if (leaves(key)) return close(state)
  if (/^\d$/.test(key) && dialog.number.length < 2) return keep(state, { ...dialog, number: dialog.number + key })
  if (key === 'backspace' || key === 'delete') return keep(state, { ...dialog, number: dialog.number.slice(0, -1) })
  return keep(state, { ...dialog, chosen: turned(dialog.chosen, sideways(key) || (key === 'tab' ? 1 : 0), signals.length) })
}

const inScale = (state: UiState, dialog: Of<'scale'>, key: string): Step => {
  if (key === 'enter') return dialog.text === '' ? keep(state, dialog) : close(state, { do: 'scale', target: dialog.target, replicas: Number(dialog.text) })
  if (leaves(key)) return close(state)
  if (/^\d$/.test(key) && dialog.text.length < 6) return keep(state, { ...dialog, text: dialog.text + key })
  if (key === 'backspace' || key === 'delete') return keep(state, { ...dialog, text: dialog.text.slice(0, -1) })
  const by = key === 'up' || key === '+' ? 1 : key === 'down' ? -1 : 0
  return keep(state, by === 0 ? dialog : { ...dialog, text: String(Math.max(0, Number(dialog.text) + by)) })
}

const inConfirm = (state: UiState, dialog: Of<'confirm'>, key: string): Step =>
  key === 'y' ? close(state, dialog.action) : leaves(key) || key === 'enter' ? close(state) : keep(state, dialog)

export const dialogKey = (state: UiState, dialog: Dialog, key: string): Step => {
  switch (dialog.dialog) {
    case 'delete': return inDelete(state, dialog, key)
    case 'signal': return inSignal(state, dialog, key)
    case 'scale': return inScale(state, dialog, key)
    case 'confirm': return inConfirm(state, dialog, key)
  }
}
