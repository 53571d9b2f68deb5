/** What others wrote (names, logs, messages) as text that moves no cursor, changes no colour, and whose width every terminal agrees on. */

// eslint-disable-next-line no-control-regex
const escapeSequences = /(?:\u001b\]|\u009d)[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c|$)|(?:\u001b[PX^_]|[\u0090\u0098\u009e\u009f])[^\u001b\u009c]*(?:\u001b\\|\u009c|$)|(?:\u001b\[|\u009b)[0-?]*[ -/]*(?:[@-~]|$)|\u001b[ -/]*(?:[0-~]|$)/g
/** Nothing to do: printable ASCII only. */
const plain = /^[ -~]*$/

const isNarrow = (code: number): boolean =>
  (code >= 0x20 && code <= 0x7e) || (code >= 0xa1 && code <= 0x2af && code !== 0xad) || (code >= 0x391 && code <= 0x3ff) || (code >= 0x400 && code <= 0x482) || (code >= 0x48a && code <= 0x52f)
  || (code >= 0x2500 && code <= 0x259f) || (code >= 0x2800 && code <= 0x28ff)
const isWide = (code: number): boolean => (code >= 0x3041 && code <= 0x3096) || (code >= 0x30a1 && code <= 0x30fa) || (code >= 0x4e00 && code <= 0x9fff) || (code >= 0xac00 && code <= 0xd7a3)
/** Marks that have no cell of their own, joiners, and what turns the direction of writing: dropped without a trace. */
const isInvisible = (code: number): boolean => code < 0x20 || (code >= 0x7f && code < 0xa0) || code === 0xad || (code >= 0x300 && code <= 0x36f) || code === 0x61c
  || (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) || (code >= 0xfe00 && code <= 0xfe0f) || code === 0xfeff || (code >= 0xe0000 && code <= 0xe0fff)

/** One line of safe text: sequences and invisible characters removed, tabs and line ends turned into spaces, what has no agreed width (emoji among it) into `?`. */
export const sanitize = (text: string): string => {
  if (plain.test(text)) return text
  let safe = ''
  for (const character of text.replace(escapeSequences, '')) {
    const code = character.codePointAt(0) ?? 0
    if (isNarrow(code) || isWide(code)) safe += character
    else if (code === 9 || code === 10 || code === 13 || code === 0xa0) safe += ' '
    else if (!isInvisible(code)) safe += '?'
  }
  return safe
}

/** In terminal cells; of sanitised text. */
export const widthOf = (text: string): number => {
  if (plain.test(text)) return text.length
  let cells = 0
  for (const character of text) cells += isWide(character.codePointAt(0) ?? 0) ? 2 : 1
  return cells
}
