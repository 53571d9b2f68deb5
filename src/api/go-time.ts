/** Timestamps as Go reads them: RFC 3339 in, metav1.Time or MicroTime out, with Go's message for what is none. */

/** `microseconds` false: metav1.Time. The layout is only shown in messages. */
const layouts = { time: '2006-01-02T15:04:05Z07:00', microtime: '2006-01-02T15:04:05.000000Z07:00' } as const

const elements: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['2006', /^\d{4}/], ['-', /^-/], ['01', /^\d{2}/], ['-', /^-/], ['02', /^\d{2}/], ['T', /^T/], ['15', /^\d{2}/], [':', /^:/], ['04', /^\d{2}/], [':', /^:/], ['05', /^\d{2}(?:\.\d+)?/], ['Z07:00', /^(?:Z|[-+]\d{2}:\d{2})/],
]

const rangeError = (text: string, parts: readonly string[]): string | undefined => {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = [0, 2, 4, 6, 8, 10].map((index) => Math.floor(Number(parts[index])))
  const shown = `parsing time ${JSON.stringify(text)}: `
  if (month < 1 || month > 12) return `${shown}month out of range`
  if (hour > 23) return `${shown}hour out of range`
  if (minute > 59) return `${shown}minute out of range`
  if (second > 59) return `${shown}second out of range`
  return day < 1 || day > new Date(Date.UTC(year, month, 0)).getUTCDate() ? `${shown}day out of range` : undefined
}

const canonicalForms = { time: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, microtime: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/ } as const

/** Nearly every time is: what programs write. A day that is in no calendar comes back as another. */
const isCanonical = (text: string, precision: 'time' | 'microtime'): boolean => {
  if (!canonicalForms[precision].test(text)) return false
  const milliseconds = Date.parse(`${text.slice(0, 19)}Z`)
  return !Number.isNaN(milliseconds) && new Date(milliseconds).toISOString().startsWith(text.slice(0, 19))
}

/** The canonical text of a timestamp, or what Go says of it. `time` keeps whole seconds, `microtime` six digits; both in UTC. */
export const canonicalTime = (text: string, precision: 'time' | 'microtime'): { time: string } | { error: string } => {
  if (isCanonical(text, precision)) return { time: text }
  let rest = text
  const parts: string[] = []
  for (const [name, pattern] of elements) {
    const part = pattern.exec(rest)?.[0]
    // MicroTime's layout asks for exactly six digits.
    if (part === undefined || (precision === 'microtime' && name === '05' && !/^\d{2}\.\d{6}$/.test(part))) {
      const shown = precision === 'microtime' && name === '05' && part !== undefined ? rest.slice(2) : rest
      const expected = precision === 'microtime' && name === '05' && part !== undefined ? '.000000' : name
      return { error: `parsing time ${JSON.stringify(text)} as ${JSON.stringify(layouts[precision])}: cannot parse ${JSON.stringify(shown)} as ${JSON.stringify(expected)}` }
    }
    parts.push(part)
    rest = rest.slice(part.length)
  }
  if (rest !== '') return { error: `parsing time ${JSON.stringify(text)}: extra text: ${JSON.stringify(rest)}` }
  const outside = rangeError(text, parts)
  if (outside) return { error: outside }
  const seconds = parts[10] ?? '00'
  const fraction = (seconds.split('.')[1] ?? '').padEnd(6, '0').slice(0, 6)
  const whole = new Date(`${parts.slice(0, 10).join('')}${seconds.slice(0, 2)}${parts[11] ?? 'Z'}`)
  if (Number.isNaN(whole.getTime())) return { error: `parsing time ${JSON.stringify(text)}: time zone offset out of range` }
  const utc = whole.toISOString().slice(0, -5)
  return { time: precision === 'time' ? `${utc}Z` : `${utc}.${fraction}Z` }
}
