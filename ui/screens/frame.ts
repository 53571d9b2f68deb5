/** A picture as data: made by pure functions, compared with the one before, and only then given to Ink. */
import type { StyleName } from '../theme/palette.ts'

export interface Span { text: string; style: StyleName; inverse?: boolean; bold?: boolean }
export type Line = readonly Span[]

export interface PaneFrame {
  title: string
  info: string
  width: number
  /** With the borders. */
  height: number
  focused: boolean
  lines: readonly Line[]
}

export interface Frame {
  columns: number
  rows: number
  header: readonly Line[]
  /** From top to bottom; the panes of a band stand side by side. */
  bands: readonly (readonly PaneFrame[])[]
  footer: readonly Line[]
  /** Grows when everything is to be drawn anew. */
  redraw: number
}

export const line = (text: string, style: StyleName = 'plain'): Line => [{ text, style }]

const sameSpan = (left: Span, right: Span): boolean => left.text === right.text && left.style === right.style && left.inverse === right.inverse && left.bold === right.bold
const sameLine = (left: Line, right: Line): boolean => left === right || (left.length === right.length && left.every((span, index) => sameSpan(span, right[index] as Span)))

/** `next`, with `previous` in place of whatever is equal: unchanged lines keep their identity, an unchanged list is the old one. */
const reuse = <T>(previous: readonly T[], next: readonly T[], merge: (previous: T, next: T) => T): readonly T[] => {
  const merged = next.map((each, index) => (index < previous.length ? merge(previous[index] as T, each) : each))
  return merged.length === previous.length && merged.every((each, index) => each === previous[index]) ? previous : merged
}
const mergeLine = (previous: Line, next: Line): Line => (sameLine(previous, next) ? previous : next)

const mergePane = (previous: PaneFrame, next: PaneFrame): PaneFrame => {
  const lines = reuse(previous.lines, next.lines, mergeLine)
  const same = lines === previous.lines && previous.title === next.title && previous.info === next.info && previous.width === next.width && previous.height === next.height && previous.focused === next.focused
  return same ? previous : { ...next, lines }
}

/** The same object when nothing differs: then nothing is drawn. */
export const mergeFrames = (previous: Frame | undefined, next: Frame): Frame => {
  if (!previous) return next
  const header = reuse(previous.header, next.header, mergeLine)
  const footer = reuse(previous.footer, next.footer, mergeLine)
  const bands = reuse(previous.bands, next.bands, (before, after) => reuse(before, after, mergePane))
  const same = header === previous.header && footer === previous.footer && bands === previous.bands && previous.columns === next.columns && previous.rows === next.rows && previous.redraw === next.redraw
  return same ? previous : { ...next, header, footer, bands }
}
