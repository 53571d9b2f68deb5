/** A line as Ink draws it. */
import { Box, Text } from 'ink'
import { memo } from 'react'
import type { Line, Span } from '../screens/frame.ts'
import type { Palette } from '../theme/palette.ts'

/** What is seen of a span: spaces at the end of a line cost Ink as much as letters, and only a cursor shows them. */
const seen = ({ text, inverse }: Span): string => (inverse ? text : text.trimEnd())

const propsOf = ({ style, inverse, bold }: Span, palette: Palette) => {
  const { color, dim, bold: heavy } = palette[style]
  return { ...(color !== undefined && { color }), ...(dim && { dimColor: true }), ...((bold || heavy) && { bold: true }), ...(inverse && { inverse: true }) }
}

/** Drawn again only when it changes. */
export const LineText = memo(({ line, palette }: { line: Line; palette: Palette }) => {
  const [only] = line
  return (
    <Box height={1} flexShrink={0}>
      {line.length === 1 && only
        ? <Text wrap="truncate" {...propsOf(only, palette)}>{seen(only)}</Text>
        // Spans never change places: their index is who they are.
        : <Text wrap="truncate">{line.map((span, index) => <Text key={index} {...propsOf(span, palette)}>{index === line.length - 1 ? seen(span) : span.text}</Text>)}</Text>}
    </Box>
  )
})
LineText.displayName = 'LineText'
