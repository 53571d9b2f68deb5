import type { Change } from './change.ts'

/** All changes since the last compaction, by revision; the tail may still wait for the disk. A queue: new ones at the end, compaction takes from the front. */
export class History {
  #changes: Change[] = []
  #first = 0

  /** How many changes were ever appended: tells how far a reader fell behind, whatever compaction took. */
  appended = 0

  append(change: Change): void {
    this.#changes.push(change)
    this.appended += 1
  }

  /** Takes back the newest change, which never reached the disk. */
  pop(): void {
    this.#changes.pop()
    this.appended -= 1
  }

  /** Takes the oldest change if its revision is at most `floor`. */
  shiftUpTo(floor: number): Change | undefined {
    const change = this.#changes[this.#first]
    if (!change || change.revision > floor) return undefined
    this.#first += 1
    if (this.#first >= 4096 && this.#first * 2 >= this.#changes.length) {
      this.#changes = this.#changes.slice(this.#first)
      this.#first = 0
    }
    return change
  }

  /** The changes from revision `from` to revision `to`, both inclusive. */
  *between(from: number, to: number): Generator<Change> {
    for (let at = this.#find(from); at < this.#changes.length; at += 1) {
      const change = this.#changes[at]!
      if (change.revision > to) return
      yield change
    }
  }

  /** The revision that lies `count` changes after the beginning of `from`, or `to` if that comes first: a slice of whole revisions. */
  sliceEnd(from: number, to: number, count: number): number {
    const last = this.#changes[this.#find(from) + count - 1]
    return last && last.revision < to ? last.revision : to
  }

  /** The index of the first change at or after `revision`. */
  #find(revision: number): number {
    let low = this.#first
    let high = this.#changes.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#changes[middle]!.revision < revision) low = middle + 1
      else high = middle
    }
    return low
  }
}
