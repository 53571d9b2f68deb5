const chunkSize = 512

/**
 * Entries sorted by `order`, in sorted arrays of at most 512. Finding is two binary searches, inserting moves at most one short array,
 * and walking a range touches only the range: a B+ tree of two levels, at eight bytes an entry.
 */
export class OrderedIndex<Entry extends { readonly order: string }> {
  /** Never empty arrays, except the only one. */
  readonly #chunks: Entry[][] = [[]]

  get(order: string): Entry | undefined {
    const chunk = this.#chunks[this.#chunkOf(order)]!
    const entry = chunk[firstFrom(chunk, order)]
    return entry?.order === order ? entry : undefined
  }

  /** Puts the entry in its place; an entry of the same order is replaced. */
  set(entry: Entry): void {
    const at = this.#chunkOf(entry.order)
    const chunk = this.#chunks[at]!
    const place = firstFrom(chunk, entry.order)
    if (chunk[place]?.order === entry.order) {
      chunk[place] = entry
      return
    }
    chunk.splice(place, 0, entry)
    if (chunk.length > chunkSize) this.#chunks.splice(at + 1, 0, chunk.splice(splitPoint(place)))
  }

  delete(order: string): void {
    const at = this.#chunkOf(order)
    const chunk = this.#chunks[at]!
    const place = firstFrom(chunk, order)
    if (chunk[place]?.order !== order) return
    chunk.splice(place, 1)
    if (chunk.length === 0 && this.#chunks.length > 1) this.#chunks.splice(at, 1)
  }

  /** Calls `visit` with the entries of [start, end), in order. `visit` must not change the index. */
  walk(start: string, end: string, visit: (entry: Entry) => void): void {
    let at = this.#chunkOf(start)
    let place = firstFrom(this.#chunks[at]!, start)
    for (; at < this.#chunks.length; at += 1, place = 0) {
      const chunk = this.#chunks[at]!
      for (; place < chunk.length; place += 1) {
        const entry = chunk[place]!
        if (entry.order >= end) return
        visit(entry)
      }
    }
  }

  /** Every entry, in order. */
  *[Symbol.iterator](): Generator<Entry> {
    for (const chunk of this.#chunks) yield* chunk
  }

  /** The last chunk that begins at or before `order`, or the first. */
  #chunkOf(order: string): number {
    let low = 0
    let high = this.#chunks.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.#chunks[middle]![0]!.order <= order) low = middle
      else high = middle - 1
    }
    return low
  }
}

// Names that grow (events, pods of a counter) append: splitting near the end then leaves full chunks behind instead of half-empty ones.
const splitPoint = (inserted: number): number => (inserted >= chunkSize ? chunkSize : chunkSize >> 1)

const firstFrom = (chunk: readonly { readonly order: string }[], order: string): number => {
  let low = 0
  let high = chunk.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (chunk[middle]!.order < order) low = middle + 1
    else high = middle
  }
  return low
}
