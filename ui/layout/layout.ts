/** Where everything stands, as a pure function of the terminal's size and what the user asked for. */
import type { PaneSize } from '../state/ui-state.ts'

export const minimumColumns = 60
export const minimumRows = 16

export interface Rect { width: number; height: number }

/** Bands from top to bottom; heights and widths count the borders. `undefined`: not there. */
export interface Layout {
  header: number
  main: Rect
  /** Under the main table, or beside it. */
  detail: Rect | undefined
  beside: boolean
  /** Only on large screens: nodes and events side by side, a log under them. */
  nodes: Rect | undefined
  events: Rect | undefined
  log: Rect | undefined
  footer: number
  /** More columns in tables. */
  roomy: boolean
}

export interface LayoutWishes { header: boolean; pane: PaneSize; hasDetail: boolean }

const footerRows = 2
/** Under a main table with fewer rows a detail pane is not worth its place. */
const leastMain = 6

const detailHeight = (body: number, pane: PaneSize): number =>
  pane === 'none' ? 0 : pane === 'full' ? body : Math.max(5, Math.floor(pane === 'half' ? body / 2 : (body * 7) / 20))

/** undefined: the terminal is too small for anything. */
export const layoutOf = (columns: number, rows: number, { header, pane, hasDetail }: LayoutWishes): Layout | undefined => {
  if (columns < minimumColumns || rows < minimumRows) return undefined
  const headerRows = !header ? 0 : columns >= 140 ? 3 : 2
  const body = rows - headerRows - footerRows
  const common = { header: headerRows, footer: footerRows, roomy: columns >= 100, nodes: undefined, events: undefined, log: undefined }
  const alone = { ...common, main: { width: columns, height: body }, detail: undefined, beside: false }
  if (!hasDetail || pane === 'none') return alone
  if (pane === 'full') return { ...common, main: { width: columns, height: 0 }, detail: { width: columns, height: body }, beside: false }
  if (columns < 140 || rows < 40) {
    const below = detailHeight(body, pane)
    if (body - below < leastMain) return alone
    return { ...common, main: { width: columns, height: body - below }, detail: { width: columns, height: below }, beside: false }
  }
  const side = Math.floor(columns * (pane === 'half' ? 0.5 : 0.4))
  const strip = columns >= 180 && rows >= 50 ? Math.floor(body / 5) : 0
  const top = body - 2 * strip
  const left = Math.floor(columns * 0.42)
  return {
    ...common, main: { width: columns - side, height: top }, detail: { width: side, height: top }, beside: true,
    ...(strip > 0 && { nodes: { width: left, height: strip }, events: { width: columns - left, height: strip }, log: { width: columns, height: strip } }),
  }
}
