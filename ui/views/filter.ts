/** The filter prompt's language: text, `!text`, `-l selector`; several words must all fit. */
import { parseSelector, selectorMatches } from '../../src/api/selector.ts'
import type { TableRow } from '../store/table-row.ts'

export type RowFilter = (row: TableRow) => boolean

const everything: RowFilter = () => true
const words = (row: TableRow): string => `${row.namespace} ${row.name} ${row.cells.join(' ')}`.toLowerCase()

const wordFilter = (word: string): RowFilter => {
  const negative = word.startsWith('!')
  const sought = (negative ? word.slice(1) : word).toLowerCase()
  return sought === '' ? everything : (row) => words(row).includes(sought) !== negative
}

/** A selector that cannot be read (yet: it is being typed) lets nothing through. */
export const rowFilter = (filter: string): RowFilter => {
  const text = filter.trim()
  if (text === '') return everything
  const [, selectorText] = /^-l\s*(.*)$/.exec(text) ?? []
  if (selectorText !== undefined) {
    if (selectorText === '') return everything
    try {
      const selector = parseSelector(selectorText)
      return (row) => selectorMatches(selector, row.object.metadata.labels)
    } catch { return () => false }
  }
  const filters = text.split(/\s+/).map(wordFilter)
  return (row) => filters.every((each) => each(row))
}
