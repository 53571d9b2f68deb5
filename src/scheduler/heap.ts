/** A binary heap whose items can also be taken out by key. */
export class Heap<T> {
  readonly #items: T[] = []
  readonly #positions = new Map<string, number>()
  readonly #keyOf: (item: T) => string
  readonly #before: (a: T, b: T) => boolean

  constructor({ keyOf, before }: { keyOf(item: T): string; before(a: T, b: T): boolean }) {
    this.#keyOf = keyOf
    this.#before = before
  }

  get size(): number { return this.#items.length }
  get(key: string): T | undefined {
    const position = this.#positions.get(key)
    return position === undefined ? undefined : this.#items[position]
  }
  peek(): T | undefined { return this.#items[0] }
  values(): Iterable<T> { return this.#items.values() }

  /** Puts the item in, in place of one with the same key. */
  push(item: T): void {
    this.remove(this.#keyOf(item))
    this.#set(this.#items.length, item)
    this.#up(this.#items.length - 1)
  }

  pop(): T | undefined {
    const first = this.#items[0]
    return first === undefined ? undefined : this.remove(this.#keyOf(first))
  }

  remove(key: string): T | undefined {
    const position = this.#positions.get(key)
    if (position === undefined) return undefined
    const item = this.#items[position]
    const last = this.#items.pop()
    this.#positions.delete(key)
    if (last !== undefined && position < this.#items.length) {
      this.#set(position, last)
      this.#up(position)
      this.#down(this.#positions.get(this.#keyOf(last)) ?? position)
    }
    return item
  }

  #set(position: number, item: T): void {
    this.#items[position] = item
    this.#positions.set(this.#keyOf(item), position)
  }

  #swapIfBefore(a: number, b: number): boolean {
    const [itemA, itemB] = [this.#items[a], this.#items[b]]
    if (itemA === undefined || itemB === undefined || !this.#before(itemA, itemB)) return false
    this.#set(a, itemB)
    this.#set(b, itemA)
    return true
  }

  #up(from: number): void {
    for (let position = from; position > 0;) {
      const parent = (position - 1) >> 1
      if (!this.#swapIfBefore(position, parent)) return
      position = parent
    }
  }

  #down(from: number): void {
    for (let position = from; ;) {
      const left = 2 * position + 1
      const [leftItem, rightItem] = [this.#items[left], this.#items[left + 1]]
      if (leftItem === undefined) return
      const child = rightItem !== undefined && this.#before(rightItem, leftItem) ? left + 1 : left
      if (!this.#swapIfBefore(child, position)) return
      position = child
    }
  }
}
