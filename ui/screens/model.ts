/** All that a picture is made of. */
import type { Cluster } from '../store/cluster.ts'
import type { TableFeed } from '../store/table-feed.ts'
import type { TableRow } from '../store/table-row.ts'
import type { ContainersScreen, PodRef, TableScreen, UiState } from '../state/ui-state.ts'
import type { ContainerRow } from '../views/containers.ts'

export interface Model {
  state: UiState
  cluster: Cluster
  columns: number
  rows: number
  now: Date
  monotonic: number
  redraw: number
  startCommand: string
  feedOf(screen: TableScreen): TableFeed
  rowsOf(screen: TableScreen): readonly TableRow[]
  containerRows(screen: ContainersScreen): readonly ContainerRow[]
}

export const podRow = (model: Pick<Model, 'cluster'>, { uid }: Pick<PodRef, 'uid'>): TableRow | undefined => model.cluster.pods.rows.get(uid)
