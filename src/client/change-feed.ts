/** Changes for one slow or fast reader: several changes of one object become one. Bounded by the number of objects. */
import type { KubeObject } from '../api/meta.ts'
import type { Change, Lister } from './informer.ts'

/** What one reader has not heard of yet: per key, the object as the reader last knew it. */
export class ChangeFeed<T extends KubeObject> {
  readonly #lister: Lister<T>
  readonly #pending = new Map<string, T | undefined>()
  #wake: () => void = () => {}

  constructor(lister: Lister<T>, known: Iterable<string>) {
    this.#lister = lister
    for (const key of known) this.#pending.set(key, undefined)
  }

  /** The object under `key` has just changed from `previous`. */
  changed(key: string, previous: T | undefined): void {
    if (!this.#pending.has(key)) this.#pending.set(key, previous)
    this.#wake()
  }

  async *read(signal: AbortSignal): AsyncGenerator<Change<T>> {
    const woken = () => this.#wake()
    signal.addEventListener('abort', woken, { once: true })
    try {
      while (!signal.aborted) {
        for (const [key, previous] of this.#pending) {
          this.#pending.delete(key)
          yield* changesOf(key, previous, this.#lister.get(key))
          if (signal.aborted) return
        }
        if (this.#pending.size === 0) await new Promise<void>((resolve) => { this.#wake = resolve; if (signal.aborted) resolve() })
      }
    } finally {
      signal.removeEventListener('abort', woken)
    }
  }
}

/** An object that was deleted and made again under the same name is two changes. */
function* changesOf<T extends KubeObject>(key: string, previous: T | undefined, object: T | undefined): Generator<Change<T>> {
  if (object === previous) return
  if (!object) { if (previous) yield { key, object, previous }; return }
  if (previous && previous.metadata.uid !== object.metadata.uid) {
    yield { key, object: undefined, previous }
    yield { key, object, previous: undefined }
  } else {
    yield { key, object, previous }
  }
}
