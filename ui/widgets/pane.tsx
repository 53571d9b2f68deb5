/** A bordered pane whose title and info stand in its upper border. */
import { Box, Text } from 'ink'
import { memo } from 'react'
import type { PaneFrame } from '../screens/frame.ts'
import { fit, truncate } from '../text/fit.ts'
import { widthOf } from '../text/sanitize.ts'
import type { Theme } from '../theme/palette.ts'
import { LineText } from './line-text.tsx'

export const Pane = memo(({ pane, theme }: { pane: PaneFrame; theme: Theme }) => {
  const { palette, glyphs } = theme
  const { title, info, width, height, focused, lines } = pane
  const style = palette[focused ? 'focus' : 'border']
  const color = style.color !== undefined ? { color: style.color } : {}
  const name = truncate(` ${title} `, width - 4)
  const room = width - 4 - widthOf(name)
  const said = info !== '' && room > 6 ? truncate(` ${info} `, room - 2) : ''
  const fill = glyphs.horizontal.repeat(Math.max(0, room - widthOf(said)))
  const side = `${glyphs.vertical}\n`.repeat(height - 2).trimEnd()
  return (
    <Box flexDirection="column" width={width} height={height} flexShrink={0} overflow="hidden">
      <Box height={1} flexShrink={0}>
        <Text wrap="truncate" {...color}>{glyphs.topLeft}{glyphs.horizontal}<Text bold>{name}</Text>{fill}{said}{glyphs.horizontal}{glyphs.topRight}</Text>
      </Box>
      <Box height={height - 2} flexShrink={0}>
        <Text {...color}>{side}</Text>
        <Box flexDirection="column" width={width - 2} height={height - 2} overflow="hidden" flexShrink={0}>
          {lines.map((line, index) => <LineText key={index} line={line} palette={palette} />)}
        </Box>
        <Text {...color}>{side}</Text>
      </Box>
      <Box height={1} flexShrink={0}><Text wrap="truncate" {...color}>{fit(`${glyphs.bottomLeft}${glyphs.horizontal.repeat(width - 2)}${glyphs.bottomRight}`, width)}</Text></Box>
    </Box>
  )
})
Pane.displayName = 'Pane'
