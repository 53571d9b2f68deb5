import type { KeyValue } from '../store.ts'
import type { WireKeyValue } from './messages.ts'

/** Our keys within etcd's, under a prefix. */
export class KeySpace {
  readonly #prefix: string

  constructor(prefix: string) {
    this.#prefix = prefix
  }

  key(key: string): Buffer {
    return Buffer.from(this.#prefix + key)
  }

  keyOf(wire: WireKeyValue): string {
    return wire.key.toString().slice(this.#prefix.length)
  }

  /** With bytes of its own: etcd's are a view of the whole message that they came in. */
  keyValue(wire: WireKeyValue): KeyValue {
    return {
      key: this.keyOf(wire),
      value: new Uint8Array(wire.value),
      createRevision: Number(wire.create_revision),
      modRevision: Number(wire.mod_revision),
      version: Number(wire.version),
      ...(wire.lease !== '0' && { lease: wire.lease }),
    }
  }
}
