/** Everything that is served as a resource now, by group, version and plural. Discovery, routing and OpenAPI read it. */
import type { Kind } from '../api/kinds.ts'
import type { KubeObject } from '../api/meta.ts'
import type { VirtualResource } from './extension.ts'
import type { Strategy } from './registry/strategy.ts'
import type { View } from './view.ts'
import type { Encoding } from './watch-cache/cached-object.ts'
import type { KindCache } from './watch-cache/kind-cache.ts'

/** One version of a custom resource, whose objects are stored in another one perhaps. */
export interface StoredVersion {
  /** How the stored form begins. */
  encoding: Encoding
  /** The form to store of an object of this version. Throws or rejects with the StatusError that the client is to see. */
  toStorage(object: KubeObject): KubeObject | Promise<KubeObject>
  /** What all versions have in common. */
  sameObjects: KindCache
  /** An object of any version as one of this; absent where versions differ in their name only. Rejects with the StatusError that the client is to see. */
  fromAny?: ((object: KubeObject) => KubeObject | Promise<KubeObject>) | undefined
}

export interface StoredResource {
  /** As the path names it. */
  kind: Kind
  strategy: Strategy
  /** Where the objects lie: of the stored kind, if this is a view. */
  cache: KindCache
  view: View | undefined
  /** Of a custom resource: how this version is stored. */
  version?: StoredVersion | undefined
  /** Objects vanish so many seconds after their last write; undefined: never. */
  ttlSeconds: number | undefined
}

export type Served = { stored: StoredResource; virtual?: never } | { virtual: VirtualResource; stored?: never }

export const kindOf = (served: Served): Kind => (served.stored ? served.stored.kind : served.virtual.kind)

export class ResourceTable {
  private readonly rows = new Map<string, Served>()
  private versions = new Map<string, Served[]>()
  private ownGroups: { generation: number; names: ReadonlySet<string> } = { generation: -1, names: new Set() }
  /** Grows with every change: what is derived (discovery) compares it. */
  generation = 0

  add(served: Served): void {
    const { group, version, plural } = kindOf(served)
    this.rows.set(`${group}/${version}/${plural}`, served)
    this.changed()
  }

  remove({ group, version, plural }: Pick<Kind, 'group' | 'version' | 'plural'>): void {
    this.rows.delete(`${group}/${version}/${plural}`)
    this.changed()
  }

  private changed(): void {
    this.generation += 1
    this.versions = Map.groupBy(this.rows.values(), (served) => `${kindOf(served).group}/${kindOf(served).version}`)
  }

  find(group: string, version: string, plural: string): Served | undefined { return this.rows.get(`${group}/${version}/${plural}`) }
  /** The resources of a group version; none if it is not served. */
  inVersion(group: string, version: string): readonly Served[] { return this.versions.get(`${group}/${version}`) ?? [] }
  /** Whether a group is one that this server has of itself, and not of definitions. */
  isOwnGroup(group: string): boolean {
    if (this.ownGroups.generation !== this.generation) this.ownGroups = { generation: this.generation, names: new Set([...this.rows.values()].map(kindOf).filter(({ custom }) => !custom).map((kind) => kind.group)) }
    return this.ownGroups.names.has(group)
  }
  all(): IterableIterator<Served> { return this.rows.values() }
}
