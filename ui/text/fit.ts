/** Strings cut and padded to exact widths: every line on screen is made of these. */
import { widthOf } from './sanitize.ts'

const cut = (text: string, width: number): string => {
  let cells = 0
  let kept = ''
  for (const character of text) {
    const next = widthOf(character)
    if (cells + next > width) break
    kept += character
    cells += next
  }
  return kept
}

/** At most `width` cells; what was cut ends in `~`. */
export const truncate = (text: string, width: number): string => {
  if (width <= 0) return ''
  return widthOf(text) <= width ? text : `${cut(text, width - 1)}~`
}

/** Exactly `width` cells. */
export const fit = (text: string, width: number, align: 'left' | 'right' = 'left'): string => {
  const shown = truncate(text, width)
  const space = ' '.repeat(Math.max(0, width - widthOf(shown)))
  return align === 'left' ? shown + space : space + shown
}

/** `left` and `right` at the two ends of `width` cells; the right one gives way first. */
export const spread = (left: string, right: string, width: number, filler = ' '): string => {
  const start = truncate(left, width)
  const room = width - widthOf(start)
  const end = widthOf(right) < room ? right : ''
  return start + filler.repeat(Math.max(0, room - widthOf(end))) + end
}

/** A long line in pieces of at most `width` cells, broken between words where there are some; what follows the first stands two cells further in than it. */
export const wrapWords = (text: string, width: number): string[] => {
  if (widthOf(text) <= width) return [text]
  const lead = ' '.repeat(Math.min((/^ */.exec(text)?.[0].length ?? 0) + 2, Math.floor(width / 2)))
  const pieces: string[] = []
  for (let rest = text; rest.trim() !== '';) {
    const indent = pieces.length === 0 ? '' : lead
    const piece = cut(rest, width - indent.length) || rest.slice(0, 1)
    const space = piece.length < rest.length && rest[piece.length] !== ' ' ? piece.lastIndexOf(' ') : piece.length
    // A word that is longer than half of the line is cut.
    const taken = space > piece.length / 2 ? piece.slice(0, space) : piece
    pieces.push(indent + taken.trimEnd())
    rest = rest.slice(taken.length).trimStart()
  }
  return pieces
}

/** A piece of a long line, from the cell `from` on: how text is scrolled sideways and wrapped. */
export const wrapText = (text: string, width: number): string[] => {
  if (widthOf(text) <= width) return [text]
  const pieces: string[] = []
  for (let rest = text; rest !== '';) {
    const piece = cut(rest, width) || rest.slice(0, 1)
    pieces.push(piece)
    rest = rest.slice(piece.length)
  }
  return pieces
}
