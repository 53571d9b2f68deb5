/** Random choices that are the same for the same seed (mulberry32), so that a failure can be seen again. */
export class Seeded {
  private state: number
  constructor(seed: number) { this.state = seed >>> 0 }

  /** Uniform in [0, 1). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0
    let value = this.state
    value = Math.imul(value ^ (value >>> 15), value | 1)
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61)
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296
  }

  below(limit: number): number { return Math.floor(this.next() * limit) }
  chance(probability: number): boolean { return this.next() < probability }
  pick<T>(from: readonly T[]): T { return from[this.below(from.length)] as T }
  some<T>(from: readonly T[], most: number): T[] { return Array.from({ length: this.below(most + 1) }, () => this.pick(from)) }
}
