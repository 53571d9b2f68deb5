/** Objects in the order of their keys. Adding and removing cost nothing until the next list, which sorts what is almost sorted already. */
import type { CachedObject } from './cached-object.ts'

/** A place that an object keeps while it is updated, shared by the cache's orders. */
export interface Slot {
  readonly key: string
  current: CachedObject
  /** Whether the object is gone; its slot is dropped at the next sort. */
  gone: boolean
}

const byKey = (left: Slot, right: Slot): number => (left.key < right.key ? -1 : left.key > right.key ? 1 : 0)

export class SortedSlots {
  private slots: Slot[] = []
  private unsorted = false
  private removed = 0

  get size(): number { return this.slots.length - this.removed }

  add(slot: Slot): void {
    const last = this.slots.at(-1)
    if (last && last.key > slot.key) this.unsorted = true
    this.slots.push(slot)
  }

  /** Call after `slot.gone` was set. */
  remove(): void {
    this.removed += 1
    if (this.removed > 1000 && this.removed * 2 > this.slots.length) this.dropGone()
  }

  private dropGone(): void {
    this.slots = this.slots.filter((slot) => !slot.gone)
    this.removed = 0
  }

  /** In order; valid until the next change. */
  list(): readonly Slot[] {
    if (this.removed > 0) this.dropGone()
    if (this.unsorted) {
      this.slots.sort(byKey)
      this.unsorted = false
    }
    return this.slots
  }
}
