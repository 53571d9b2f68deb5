/** The objects that an informer knows, with their indexes. Mirrors client-go `tools/cache/thread_safe_store.go`. */
import { type KubeObject, keyOf } from '../api/meta.ts'
import type { Index, Lister } from './informer.ts'

type Buckets<T> = Map<string, Map<string, T>>

const add = <T>(buckets: Buckets<T>, value: string, at: readonly [key: string, object: T]): void => {
  const bucket = buckets.get(value)
  if (bucket) bucket.set(...at)
  else buckets.set(value, new Map([at]))
}

const remove = (buckets: Buckets<unknown>, value: string, key: string): void => {
  const bucket = buckets.get(value)
  bucket?.delete(key)
  if (bucket?.size === 0) buckets.delete(value)
}

export class ObjectCache<T extends KubeObject> implements Lister<T> {
  readonly #objects = new Map<string, T>()
  readonly #indexes = new Map<Index<T>, Buckets<T>>()
  readonly #byNamespace: Index<T> = { name: 'namespace', valuesOf: ({ metadata }) => [metadata.namespace ?? ''] }

  get size(): number { return this.#objects.size }
  get(key: string): T | undefined { return this.#objects.get(key) }
  keys(): Iterable<string> { return this.#objects.keys() }

  list(namespace?: string): readonly T[] {
    return namespace === undefined ? [...this.#objects.values()] : this.byIndex(this.#byNamespace, namespace)
  }

  byIndex(index: Index<T>, value: string): readonly T[] {
    const bucket = (this.#indexes.get(index) ?? this.#build(index)).get(value)
    return bucket ? [...bucket.values()] : []
  }

  /** Puts `object` in place of what was under its key, which is returned. */
  put(object: T): T | undefined {
    const key = keyOf(object)
    const previous = this.#objects.get(key)
    this.#objects.set(key, object)
    for (const [index, buckets] of this.#indexes) {
      if (previous) for (const value of index.valuesOf(previous)) remove(buckets, value, key)
      for (const value of index.valuesOf(object)) add(buckets, value, [key, object])
    }
    return previous
  }

  delete(key: string): T | undefined {
    const previous = this.#objects.get(key)
    if (!previous) return undefined
    this.#objects.delete(key)
    for (const [index, buckets] of this.#indexes) for (const value of index.valuesOf(previous)) remove(buckets, value, key)
    return previous
  }

  #build(index: Index<T>): Buckets<T> {
    const buckets: Buckets<T> = new Map()
    for (const at of this.#objects) for (const value of index.valuesOf(at[1])) add(buckets, value, at)
    this.#indexes.set(index, buckets)
    return buckets
  }
}
