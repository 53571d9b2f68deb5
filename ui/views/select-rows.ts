/** Which rows a table shows, in which order: what the cursor moves over. */
import { parseSelector, selectorMatches } from '../../src/api/selector.ts'
import { nodeUidOf } from '../store/node-uid.ts'
import type { TableFeed } from '../store/table-feed.ts'
import type { TableColumn, TableRow } from '../store/table-row.ts'
import type { UsageStore } from '../store/usage.ts'
import type { Scope, Sort, TableScreen } from '../state/ui-state.ts'
import { type RowFilter, rowFilter } from './filter.ts'
import { cellOf, problemRank, rowStyle } from './row-style.ts'

const inScope = (scope: Scope | undefined): RowFilter => {
  if (!scope) return () => true
  const selector = scope.labelSelector === undefined ? undefined : parseSelector(scope.labelSelector)
  return ({ object }) => (selector === undefined || selectorMatches(selector, object.metadata.labels))
    && (scope.node === undefined || (object['spec'] as { nodeName?: string } | undefined)?.nodeName === scope.node)
}

const collate = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0)
const byName = (left: TableRow, right: TableRow): number => collate(left.namespace, right.namespace) || collate(left.name, right.name)
const created = ({ object }: TableRow): string => object.metadata.creationTimestamp ?? ''
/** Events by when they were seen last, the newest first. */
const seen = ({ object }: TableRow): string => String(object['lastTimestamp'] || object['eventTime'] || object.metadata.creationTimestamp || '')

interface SortFacts { columns: readonly TableColumn[]; usage: UsageStore; kind: string }

const keyed = <K extends string | number>(key: (row: TableRow) => K) => (rows: readonly TableRow[]): TableRow[] => {
  const keys = new Map(rows.map((row) => [row, key(row)]))
  return rows.toSorted((left, right) => {
    const [a, b] = [keys.get(left) as K, keys.get(right) as K]
    return a < b ? -1 : a > b ? 1 : byName(left, right)
  })
}

const sorters = ({ columns, usage, kind }: SortFacts): Record<Sort['by'], (rows: readonly TableRow[]) => TableRow[]> => {
  const used = (row: TableRow) => (kind === 'Node' ? usage.nodes.get(row.name) : usage.pods.get(nodeUidOf(row.object)))?.now
  return {
    problems: kind === 'Event' ? (rows) => keyed(seen)(rows).reverse() : keyed((row) => problemRank(rowStyle(columns, row))),
    name: keyed((row) => row.name),
    namespace: keyed((row) => row.namespace),
    age: (rows) => keyed(created)(rows).reverse(),
    status: keyed((row) => cellOf(columns, row, 'Status')),
    cpu: keyed((row) => -(used(row)?.cpuNanoCores ?? -1)),
    memory: keyed((row) => -(used(row)?.memoryBytes ?? -1)),
  }
}

/** Remembers the last answer: nothing is sorted anew while nothing changed. */
export const rowSelector = (usage: UsageStore): ((screen: TableScreen, feed: TableFeed) => readonly TableRow[]) => {
  let last: { name: string; rows: readonly TableRow[] } | undefined
  return (screen, feed) => {
    const { namespace, scope, filter, sort, kind } = screen
    const usageMatters = sort.by === 'cpu' || sort.by === 'memory'
    const name = JSON.stringify([kind.group, kind.plural, namespace, scope, filter, sort, feed.version, usageMatters && usage.version])
    if (last?.name === name) return last.rows
    const [fits, scoped] = [rowFilter(filter), inScope(scope)]
    const rows = [...feed.rows.values()].filter((row) => (!kind.namespaced || namespace === undefined || row.namespace === namespace) && scoped(row) && fits(row))
    const sorted = sorters({ columns: feed.columns, usage, kind: kind.kind })[sort.by](rows)
    last = { name, rows: sort.descending ? sorted.reverse() : sorted }
    return last.rows
  }
}

/** Where the cursor is: on its object, wherever that went; if it is gone, on what took its place. */
export const cursorIndex = (uids: readonly string[], cursor: string | undefined, index: number): number => {
  if (uids.length === 0) return -1
  if (cursor === undefined) return 0
  const found = uids.indexOf(cursor)
  return found >= 0 ? found : Math.min(Math.max(0, index), uids.length - 1)
}
