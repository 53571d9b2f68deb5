/** Lists of completion indexes as text: `0,3-5`. Mirrors validateIndexesFormat of upstream's `pkg/apis/batch/validation`. */

/** The indexes, in order, or why the text is none. `completions`: they must be below it. */
export const parseIndexes = (text: string, completions: number): { ranges: readonly (readonly [first: number, last: number])[]; count: number } | { error: string } => {
  if (text === '') return { ranges: [], count: 0 }
  const ranges: [number, number][] = []
  let previous = -1
  for (const interval of text.split(',')) {
    const limits = interval.split('-')
    if (limits.length > 2) return { error: `the fragment ${JSON.stringify(interval)} violates the requirement that an index interval can have at most two parts separated by '-'` }
    const numbers = limits.map((part) => (/^\d+$/.test(part) ? Number(part) : NaN))
    const broken = numbers.findIndex(Number.isNaN)
    if (broken >= 0) return { error: `cannot convert string to integer for index: ${JSON.stringify(limits[broken])}` }
    const beyond = numbers.find((number) => number >= completions)
    if (beyond !== undefined) return { error: `too large index: ${JSON.stringify(String(beyond))}` }
    const [first = 0, last = first] = numbers
    if (first <= previous) return { error: `non-increasing order, previous: ${previous}, current: ${first}` }
    if (limits.length === 2 && last <= first) return { error: `non-increasing order, previous: ${first}, current: ${last}` }
    ranges.push([first, last])
    previous = last
  }
  return { ranges, count: ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0) }
}
