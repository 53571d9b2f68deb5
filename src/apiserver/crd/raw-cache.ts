/** The instances of a definition as they lie in the store, each in the version that it was written in. Nobody but the versions' caches reads it. */
import type { Kind } from '../../api/kinds.ts'
import type { KubeObject } from '../../api/meta.ts'
import { CachedObject, encodeObject, encodingOf, type Encoding } from '../watch-cache/cached-object.ts'
import { KindCache, type StoredItem } from '../watch-cache/kind-cache.ts'
import { storePrefix } from '../watch-cache/watch-cache.ts'

const begins = (value: Uint8Array, { prefix }: Encoding): boolean => value.length > prefix.length && prefix.equals(value.subarray(0, prefix.length))

export class RawCache extends KindCache {
  private readonly encodings = new Map<string, Encoding>()

  constructor(kind: Kind) {
    super(kind, storePrefix(kind))
  }

  /** How objects of a version are stored. */
  encodingFor(version: string): Encoding {
    let encoding = this.encodings.get(version)
    if (!encoding) this.encodings.set(version, encoding = encodingOf({ ...this.kind, version }))
    return encoding
  }

  override decode({ key, value, modRevision }: StoredItem, written: KubeObject | undefined): CachedObject {
    for (const encoding of this.encodings.values()) {
      if (!begins(value, encoding)) continue
      const parsed = written && { ...written, metadata: { ...written.metadata, resourceVersion: String(modRevision) } }
      return new CachedObject({ key, revision: modRevision, encoding }, value.subarray(encoding.prefix.length), parsed)
    }
    const object = JSON.parse(Buffer.from(value).toString()) as KubeObject
    const encoding = this.encodingFor(object.apiVersion?.split('/').at(-1) ?? this.kind.version)
    return new CachedObject({ key, revision: modRevision, encoding }, encodeObject(encoding, object).subarray(encoding.prefix.length))
  }
}
