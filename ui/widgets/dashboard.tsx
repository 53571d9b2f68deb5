/** Draws the frames that the dashboard makes, and hands it the keys. */
import { Box, useApp, useInput } from 'ink'
import { memo, useEffect, useSyncExternalStore } from 'react'
import type { Dashboard } from '../dashboard.ts'
import { keyNames } from '../keys/key-names.ts'
import type { Theme } from '../theme/palette.ts'
import { LineText } from './line-text.tsx'
import { Pane } from './pane.tsx'

export const DashboardView = memo(({ dashboard, theme }: { dashboard: Dashboard; theme: Theme }) => {
  const { header, bands, footer, columns, rows, redraw } = useSyncExternalStore(dashboard.subscribe, dashboard.frame)
  const { exit, suspendTerminal } = useApp()
  useInput((input, key) => dashboard.press(keyNames(input, key)))
  useEffect(() => dashboard.attach({ exit: () => exit(), suspend: suspendTerminal }), [dashboard, exit, suspendTerminal])
  return (
    // Another key, another tree: then Ink has something to paint even if nothing differs.
    <Box key={redraw} flexDirection="column" width={columns} height={rows} overflow="hidden">
      {header.map((line, index) => <LineText key={`header${index}`} line={line} palette={theme.palette} />)}
      {bands.map((panes, index) => (
        <Box key={`band${index}`} flexShrink={0}>{panes.map((pane, place) => <Pane key={place} pane={pane} theme={theme} />)}</Box>
      ))}
      {footer.map((line, index) => <LineText key={`footer${index}`} line={line} palette={theme.palette} />)}
    </Box>
  )
})
DashboardView.displayName = 'DashboardView'
