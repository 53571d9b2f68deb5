/**
 * Which addresses and ports Services hold: those of the Services that the watch cache shows, and those that have been handed out to
 * ones that it does not show yet. So nothing is given twice between an allocation and the moment that the cache has seen it stored.
 */
import type { Service } from '../../../api/types.ts'
import { canonicalIP } from '../ip-address.ts'

/** `ip/10.96.0.10` or `port/30080`. */
export type Item = string

export const ipItem = (ip: string): Item => `ip/${canonicalIP(ip)}`
/** The addresses among items, as text. */
export const ipsIn = (items: readonly Item[]): string[] => items.flatMap((item) => (item.startsWith('ip/') ? [item.slice('ip/'.length)] : []))
export const portItem = (port: number): Item => `port/${port}`

/** The ports among items. */
export const portsIn = (items: readonly Item[]): number[] => items.flatMap((item) => (item.startsWith('port/') ? [Number(item.slice('port/'.length))] : []))
/** The node ports that a Service has, that of its health check among them. */
export const portsOf = (service: Service): number[] => [...new Set(portsIn(itemsOf(service)))]

/** What a Service holds. */
export const itemsOf = ({ spec }: Service): Item[] => [
  ...(spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : [])).filter((ip) => ip !== '' && ip !== 'None').map(ipItem),
  ...(spec.ports ?? []).flatMap(({ nodePort }) => (nodePort ? [portItem(nodePort)] : [])),
  ...(spec.healthCheckNodePort ? [portItem(spec.healthCheckNodePort)] : []),
]

export interface Claims {
  /** What is held now, given the Services that can be seen. */
  held(services: readonly Service[]): ReadonlySet<Item>
  /** Hands items to the Service `uid` until it is seen with them, is gone, or `release` gives them back. */
  claim(uid: string, items: readonly Item[]): { release(): void }
  /** Whether an item is handed to a Service other than `uid`. */
  isElsewhere(item: Item, uid: string): boolean
  /** The Service is deleted: what was handed to it is free. */
  forget(uid: string): void
}

export const makeClaims = (): Claims => {
  const claims = new Map<Item, string>()
  return {
    held(services) {
      const held = new Set<Item>()
      for (const service of services) {
        for (const item of itemsOf(service)) {
          held.add(item)
          if (claims.get(item) === service.metadata.uid) claims.delete(item)
        }
      }
      for (const item of claims.keys()) held.add(item)
      return held
    },
    claim(uid, items) {
      for (const item of items) claims.set(item, uid)
      return { release: () => { for (const item of items) if (claims.get(item) === uid) claims.delete(item) } }
    },
    isElsewhere(item, uid) {
      const holder = claims.get(item)
      return holder !== undefined && holder !== uid
    },
    forget(uid) {
      for (const [item, owner] of claims) if (owner === uid) claims.delete(item)
    },
  }
}
