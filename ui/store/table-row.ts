/** A kind as the server's Table shows it: one definition of columns for kubectl and for us. */
import type { KubeObject } from '../../src/api/meta.ts'

export interface TableColumn { name: string; type: string; priority: number }
export type Cell = string | number | boolean | null

/** Never changed: a change of the object is another row. */
export interface TableRow {
  uid: string
  namespace: string
  name: string
  cells: readonly Cell[]
  object: KubeObject & Readonly<Record<string, unknown>>
}

interface WireRow { cells: Cell[]; object: KubeObject & Record<string, unknown> }
export interface WireTable {
  kind: string
  metadata?: { resourceVersion?: string; continue?: string }
  columnDefinitions?: { name: string; type: string; priority?: number }[] | null
  rows?: WireRow[] | null
  /** What a server that knows no tables answers. */
  items?: (KubeObject & Record<string, unknown>)[] | null
}

const nameAndAge: readonly TableColumn[] = [{ name: 'Name', type: 'string', priority: 0 }, { name: 'Age', type: 'date', priority: 0 }]

const rowOf = ({ cells, object }: WireRow): TableRow =>
  ({ uid: object.metadata.uid || `${object.metadata.namespace ?? ''}/${object.metadata.name}`, namespace: object.metadata.namespace ?? '', name: object.metadata.name, cells, object })

const bare = (object: WireRow['object']): TableRow => rowOf({ cells: [object.metadata.name, object.metadata.creationTimestamp], object })

/** The rows of a list's answer or of a watch event's object; columns when it brings some. */
export const readTable = (table: WireTable): { columns: readonly TableColumn[] | undefined; rows: TableRow[] } => {
  if (table.kind === 'Table') {
    return { columns: table.columnDefinitions?.map(({ name, type, priority = 0 }) => ({ name, type, priority })), rows: (table.rows ?? []).map(rowOf) }
  }
  return { columns: nameAndAge, rows: table.items ? table.items.map(bare) : 'metadata' in table ? [bare(table as never)] : [] }
}
