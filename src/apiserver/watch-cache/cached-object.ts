/**
 * A stored object as readers get it: its JSON is encoded once, by whoever writes it, and these bytes are shared by all readers and watchers.
 * What lies in the store has no resourceVersion (as in etcd, it is the key's modification revision); it is spliced in here without parsing anything.
 */
import { apiVersionOf, type Kind } from '../../api/kinds.ts'
import type { KubeObject } from '../../api/meta.ts'
import type { KeyValue } from '../../store/store.ts'

/** How the objects of a kind begin, so that the place of the resourceVersion is known without a search. */
export interface Encoding {
  prefixText: string
  prefix: Buffer
  /** Where `"metadata":` begins: items of a list are shown without kind and apiVersion, as upstream's typed lists. */
  itemStart: number
}

export const encodingOf = (kind: Kind): Encoding => {
  const head = `{"kind":${JSON.stringify(kind.kind)},"apiVersion":${JSON.stringify(apiVersionOf(kind))},`
  const prefixText = `${head}"metadata":{`
  // Items of lists of custom resources say what they are, as upstream's.
  return { prefixText, prefix: Buffer.from(prefixText), itemStart: kind.custom ? 1 : head.length }
}

/** An object with its JSON: what answers are made of. */
export interface Encoded {
  readonly revision: number
  readonly object: KubeObject
  readonly bytes: Buffer
  /** Everything after the opening brace of the object as an item of a list. */
  readonly itemTail: Buffer
}

export class CachedObject implements Encoded {
  readonly key: string
  readonly revision: number
  /** The object as it is served. */
  readonly bytes: Buffer
  readonly encoding: Encoding
  /** Where the bytes after the resourceVersion begin. */
  private readonly tailStart: number
  private parsed: KubeObject | undefined

  /** Revision 0: never stored (the answer to a dry run), and so without a resourceVersion. */
  constructor(at: { key: string; revision: number; encoding: Encoding }, tail: Uint8Array, parsed?: KubeObject) {
    this.key = at.key
    this.revision = at.revision
    this.encoding = at.encoding
    const version = at.revision === 0 ? '' : `"resourceVersion":"${at.revision}",`
    const { prefix } = at.encoding
    this.tailStart = prefix.length + version.length
    const bytes = Buffer.allocUnsafe(this.tailStart + tail.length)
    prefix.copy(bytes)
    bytes.write(version, prefix.length, 'latin1')
    bytes.set(tail, this.tailStart)
    this.bytes = bytes
    this.parsed = parsed
  }

  /** Parsed when first asked for. Shared: never to be changed. */
  get object(): KubeObject {
    this.parsed ??= JSON.parse(this.bytes.toString()) as KubeObject
    return this.parsed
  }

  /** The bytes that stand in the store, without their first `encoding.prefix.length`. */
  get tail(): Buffer { return this.bytes.subarray(this.tailStart) }

  get itemTail(): Buffer { return this.bytes.subarray(this.encoding.itemStart) }

  /** The same object with another resourceVersion: what a DELETED event shows. */
  at(revision: number): CachedObject {
    return new CachedObject({ key: this.key, revision, encoding: this.encoding }, this.tail)
  }
}

const utf8 = new TextEncoder()

/** The bytes to store, the kind's prefix first. Drops resourceVersion and selfLink. A plain array of its own, which the embedded store keeps as it is: so a write is recognised when it comes back. */
export const encodeObject = (encoding: Encoding, object: KubeObject): Uint8Array => {
  const { kind: _kind, apiVersion: _apiVersion, metadata, ...rest } = object
  const { resourceVersion: _version, selfLink: _link, ...stored } = metadata
  const body = JSON.stringify(rest)
  return utf8.encode(`${encoding.prefixText}${JSON.stringify(stored).slice(1)}${body === '{}' ? '}' : `,${body.slice(1)}`}`)
}

/** `object` parsed with the resourceVersion that it got by being stored. */
export const withVersion = <T extends KubeObject>(object: T, revision: number): T => ({ ...object, metadata: { ...object.metadata, resourceVersion: revision === 0 ? '' : String(revision) } })

const startsWith = (value: Uint8Array, prefix: Buffer): boolean => value.length > prefix.length && prefix.equals(value.subarray(0, prefix.length))

/** From what the store holds. Values that somebody else wrote (another order of fields) are parsed and encoded anew. */
export const cachedFromStore = (encoding: Encoding, item: Pick<KeyValue, 'key' | 'value' | 'modRevision'>): CachedObject => {
  const at = { key: item.key, revision: item.modRevision, encoding }
  if (startsWith(item.value, encoding.prefix)) return new CachedObject(at, item.value.subarray(encoding.prefix.length))
  const object = JSON.parse(Buffer.from(item.value).toString()) as KubeObject
  return new CachedObject(at, encodeObject(encoding, object).subarray(encoding.prefix.length))
}
