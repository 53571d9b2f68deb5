/**
 * Which Service has which node port, in the store: a key for each port, so that of several API servers only one can give it away, and whoever writes does not wait
 * for others. Upstream keeps the same as a bitmap in `/registry/ranges/servicenodeports` (`pkg/registry/core/service/portallocator`).
 */
import { prefixEnd, type KeyValue, type Store } from '../../store/store.ts'
import type { KubeObject } from '../../api/meta.ts'
import type { Clock } from '../../api/clock.ts'
import type { NodePorts } from '../registry/strategy.ts'

export const nodePortPrefix = '/registry/ranges/servicenodeports/'

/** Whose a port is, and since when. */
export interface PortHolder { uid: string; namespace: string; name: string; at: string }
export interface HeldPort { port: number; holder: PortHolder; modRevision: number }

const keyOf = (port: number): string => `${nodePortPrefix}${port}`
const decode = ({ key, value, modRevision }: KeyValue): HeldPort => ({ port: Number(key.slice(nodePortPrefix.length)), holder: JSON.parse(Buffer.from(value).toString()) as PortHolder, modRevision })
const holderOf = ({ metadata: { uid, namespace = '', name } }: Pick<KubeObject, 'metadata'>, clock: Clock): PortHolder => ({ uid, namespace, name, at: clock.now().toISOString() })

export const nodePorts = ({ store, clock }: { store: Store; clock: Clock }): NodePorts & { all(): Promise<HeldPort[]>; free(held: HeldPort): Promise<void> } => ({
  async take(port, service) {
    const written = await store.put(keyOf(port), Buffer.from(JSON.stringify(holderOf(service, clock))), { expect: 0 })
    if (written.ok) return 'taken'
    return written.current !== undefined && decode(written.current).holder.uid === service.metadata.uid ? 'kept' : 'refused'
  },
  async drop(port, service) {
    const { item } = await store.get(keyOf(port))
    if (item && decode(item).holder.uid === service.metadata.uid) await store.delete(item.key, { expect: item.modRevision })
  },
  all: async () => (await store.range(nodePortPrefix, prefixEnd(nodePortPrefix))).items.map(decode),
  async free({ port, modRevision }) { await store.delete(keyOf(port), { expect: modRevision }) },
})
