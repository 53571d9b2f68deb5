import { describe, expect, test } from 'vitest'
import { layoutOf } from '../../ui/layout/layout.ts'
import { paneSizes } from '../../ui/state/ui-state.ts'

const home = { header: true, pane: 'third', hasDetail: true } as const

describe('breakpoints', () => {
  test('smaller than 60x16 there is nothing', () => expect([layoutOf(59, 16, home), layoutOf(60, 15, home), layoutOf(60, 16, home)?.footer]).toEqual([undefined, undefined, 2]))
  test('80x24: ten rows of pods and five lines of detail', () => {
    expect(layoutOf(80, 24, home)).toMatchObject({ header: 2, main: { width: 80, height: 13 }, detail: { width: 80, height: 7 }, beside: false, roomy: false })
  })
  test('without the pane the table has seventeen', () => expect(layoutOf(80, 24, { ...home, pane: 'none' })).toMatchObject({ main: { height: 20 }, detail: undefined }))
  test('from 100 columns on there are more of them', () => expect([layoutOf(99, 24, home)?.roomy, layoutOf(100, 24, home)?.roomy]).toEqual([false, true]))
  test('from 140x40 on the pane is beside the table', () => expect([layoutOf(139, 40, home)?.beside, layoutOf(140, 39, home)?.beside, layoutOf(140, 40, home)?.beside]).toEqual([false, false, true]))
  test('200x60 has nodes, events and a log, too', () => expect(layoutOf(200, 60, home)).toMatchObject({ header: 3, nodes: { height: 11 }, events: { height: 11 }, log: { width: 200 } }))
})

test('whatever the size, everything fits exactly', () => {
  for (let columns = 60; columns <= 230; columns += 7) for (let rows = 16; rows <= 70; rows++) for (const pane of paneSizes) for (const header of [true, false]) for (const hasDetail of [true, false]) {
    const layout = layoutOf(columns, rows, { header, pane, hasDetail })
    if (!layout) throw new Error(`nothing at ${columns}x${rows}`)
    const { main, detail, beside, nodes, events, log, footer } = layout
    const band = beside ? main.height : main.height + (detail?.height ?? 0)
    expect([layout.header + band + (nodes?.height ?? 0) + (log?.height ?? 0) + footer, beside ? main.width + (detail?.width ?? 0) : columns, (nodes?.width ?? columns) + (events?.width ?? 0)], `${columns}x${rows} ${pane}`).toEqual([rows, columns, columns])
    if (beside) expect(detail?.height).toBe(main.height)
    expect(main.height === 0 || main.height >= 4).toBe(true)
  }
})
