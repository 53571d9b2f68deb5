/** The graph of a server's own pods and volumes. */
import { PersistentVolumes, Pods } from '../../api/kinds.ts'
import type { ProviderParts } from '../api-server.ts'
import { NodeGraph } from './node-graph.ts'

export const followedGraph = ({ follow }: Pick<ProviderParts, 'follow'>): NodeGraph => {
  const graph = new NodeGraph()
  follow(Pods, graph.pods)
  follow(PersistentVolumes, graph.volumes)
  return graph
}
