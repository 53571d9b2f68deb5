/** What colours mean, and which they are: k9s' stock skin, its nearest in sixteen colours, or none. Meaning is always told by a word, too. */

export type StyleName = 'plain' | 'dim' | 'title' | 'key' | 'number' | 'border' | 'focus'
  | 'standard' | 'added' | 'pending' | 'error' | 'highlight' | 'kill' | 'completed' | 'marked' | 'good' | 'warn' | 'bad' | 'away'

export interface Style { color?: string; dim?: boolean; bold?: boolean }
export type Palette = Readonly<Record<StyleName, Style>>

const stock: Palette = {
  plain: {}, dim: { dim: true }, title: { color: '#00ffff', bold: true }, key: { color: '#1e90ff', bold: true }, number: { color: '#ff00ff' }, border: { color: '#1e90ff' }, focus: { color: '#00ffff' },
  standard: { color: '#87cefa' }, added: { color: '#1e90ff' }, pending: { color: '#ff8c00' }, error: { color: '#ff4500' }, highlight: { color: '#00ffff' },
  kill: { color: '#9370db' }, completed: { color: '#778899' }, marked: { color: '#98fb98' }, good: { color: '#adff2f' }, warn: { color: '#ff8c00' }, bad: { color: '#ff4500', bold: true }, away: { color: '#778899', dim: true },
}

const sixteen: Palette = {
  plain: {}, dim: { dim: true }, title: { color: 'cyan', bold: true }, key: { color: 'blueBright', bold: true }, number: { color: 'magenta' }, border: { color: 'blue' }, focus: { color: 'cyanBright' },
  standard: { color: 'cyan' }, added: { color: 'blueBright' }, pending: { color: 'yellow' }, error: { color: 'redBright' }, highlight: { color: 'cyanBright' },
  kill: { color: 'magenta' }, completed: { color: 'gray' }, marked: { color: 'greenBright' }, good: { color: 'green' }, warn: { color: 'yellow' }, bad: { color: 'red', bold: true }, away: { color: 'gray' },
}

const none = Object.fromEntries(Object.keys(stock).map((name) => [name, name === 'title' || name === 'key' || name === 'bad' ? { bold: true } : name === 'dim' || name === 'away' ? { dim: true } : {}])) as unknown as Palette

/** NO_COLOR (any value but ''), a terminal that says how many colours it has, else sixteen. */
export const paletteFor = (environment: NodeJS.ProcessEnv): Palette => {
  const { NO_COLOR: noColor, TERM: terminal = '', COLORTERM: colorTerminal = '', FORCE_COLOR: force } = environment
  if (noColor || terminal === 'dumb' || force === '0') return none
  return /truecolor|24bit/.test(colorTerminal) || /256|kitty|ghostty|alacritty/.test(terminal) ? stock : sixteen
}

export interface Glyphs { horizontal: string; vertical: string; topLeft: string; topRight: string; bottomLeft: string; bottomRight: string }
const ascii: Glyphs = { horizontal: '-', vertical: '|', topLeft: '+', topRight: '+', bottomLeft: '+', bottomRight: '+' }
const lines: Glyphs = { horizontal: '─', vertical: '│', topLeft: '┌', topRight: '┐', bottomLeft: '└', bottomRight: '┘' }

/**
 * ASCII, unless the user asks for lines by WHERRY_GLYPHS=unicode: Ink measures other glyphs one by one in each frame (a third more CPU on a large screen),
 * and where East Asian fonts make them two cells wide the frame would drift.
 */
export const glyphsFor = ({ WHERRY_GLYPHS: wanted }: NodeJS.ProcessEnv): Glyphs => (wanted === 'unicode' ? lines : ascii)

export interface Theme { palette: Palette; glyphs: Glyphs }
