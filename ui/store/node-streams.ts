/** What each node's kubelet pushes beyond the API: usage and heal events, through the API server's node proxy. Other clusters have neither; then metrics are polled. */
import type { Clock } from '../../src/api/clock.ts'
import { resourcePath, Nodes } from '../../src/api/kinds.ts'
import type { Random } from '../../src/api/random.ts'
import { exponentialBackoff } from '../../src/client/backoff.ts'
import type { Client } from '../../src/client/client.ts'
import { lines, text } from '../../src/client/watch.ts'

/** The path of something that a node serves itself. */
export const nodePath = (node: string, path: string): string => `${resourcePath(Nodes, { name: node, subresource: 'proxy' })}${path}`

export interface NodeStreams {
  /** The nodes that are there now: streams of new ones begin, of gone ones end. */
  follow(nodes: readonly string[]): void
  /** Undefined: not known yet. */
  supports(node: string): boolean | undefined
}

export interface NodeStreamsContext {
  client: Client
  clock: Clock
  random: Random
  onLine(node: string, stream: 'usage' | 'heal', line: string): void
  onSupport(): void
}

/** Not this kind of kubelet, or not allowed: asking again would not help. Anything else passes. */
const isRefusal = (status: number): boolean => status === 404 || status === 403 || status === 405 || status === 501

export const nodeStreams = ({ client, clock, random, onLine, onSupport }: NodeStreamsContext, signal: AbortSignal): NodeStreams => {
  const running = new Map<string, AbortController>()
  const support = new Map<string, boolean>()

  const read = async (node: string, stream: 'usage' | 'heal', until: AbortSignal): Promise<void> => {
    const backoff = exponentialBackoff({ base: 200, cap: 5_000, random })
    while (!until.aborted) {
      try {
        const response = await client.raw({ method: 'GET', path: nodePath(node, `/wherry/${stream}?watch=true`), headers: { accept: 'application/x-ndjson' } }, until)
        if (isRefusal(response.status)) {
          await text(response.body)
          if (stream === 'usage') { support.set(node, false); onSupport() }
          return
        }
        if (response.status === 200) {
          backoff.reset()
          if (stream === 'usage' && !support.get(node)) { support.set(node, true); onSupport() }
          for await (const line of lines(response.body)) onLine(node, stream, line)
        } else await text(response.body)
      } catch { /* The node or the API server is away; that is told by the feeds. Tried again below. */ }
      await clock.sleep(backoff.next(), until).catch(() => undefined) // aborted: the loop's condition sees it
    }
  }

  return {
    follow: (nodes) => {
      for (const [node, stop] of running) {
        if (nodes.includes(node)) continue
        stop.abort()
        running.delete(node)
        support.delete(node)
      }
      for (const node of nodes) {
        if (running.has(node)) continue
        const stop = new AbortController()
        running.set(node, stop)
        const until = AbortSignal.any([stop.signal, signal])
        for (const stream of ['usage', 'heal'] as const) void read(node, stream, until)
      }
    },
    supports: (node) => support.get(node),
  }
}
