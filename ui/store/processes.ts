/** The processes of one pod, as its node tells them. */
import type { Client } from '../../src/client/client.ts'
import { text } from '../../src/client/watch.ts'
import { nodePath } from './node-streams.ts'

export interface ProcessFacts { pid: number; ppid: number; state: string; command: string; cpuMilliseconds: number; rssBytes: number; threads: number; fds: number }
export interface PodProcesses { podUid: string; containers: { name: string; processes: ProcessFacts[] }[] }

/** An error's words when there are none: `n/a (...)`. */
export const readProcesses = async (client: Client, { node, podUid }: { node: string; podUid: string }, signal: AbortSignal): Promise<PodProcesses | string> => {
  if (node === '') return 'n/a (the pod is on no node yet)'
  const response = await client.raw({ method: 'GET', path: nodePath(node, `/wherry/processes?podUid=${encodeURIComponent(podUid)}`), headers: { accept: 'application/json' } }, signal)
  const body = await text(response.body)
  if (response.status === 200) return JSON.parse(body) as PodProcesses
  return response.status === 404 ? 'n/a (this node tells of no such pod)' : `n/a (the node answers ${response.status})`
}
