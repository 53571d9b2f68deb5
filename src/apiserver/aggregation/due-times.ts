/** When what is to be looked at next: at once after a change, now and then while all is well, with growing pauses while it is not. */
const usualPauseMs = 30_000
const firstPauseMs = 5
const longestPauseMs = 30_000

export class DueTimes {
  private readonly due = new Map<string, number>()
  private readonly failures = new Map<string, number>()
  private wake: () => void = () => undefined

  /** Resolves with the next change of what is due. */
  changed(): Promise<void> { return new Promise((resolve) => { this.wake = resolve }) }

  mark(name: string, at: number): void {
    this.due.set(name, Math.min(at, this.due.get(name) ?? Infinity))
    this.wake()
  }

  forget(name: string): void {
    this.due.delete(name)
    this.failures.delete(name)
  }

  done(name: string, well: boolean, now: number): void {
    const count = well ? 0 : (this.failures.get(name) ?? 0) + 1
    this.failures.set(name, count)
    this.mark(name, now + (well ? usualPauseMs : Math.min(firstPauseMs * 2 ** (count - 1), longestPauseMs)))
  }

  /** The names that are due, which are then due no more. */
  take(now: number): string[] {
    const names = [...this.due].filter(([, at]) => at <= now).map(([name]) => name)
    for (const name of names) this.due.delete(name)
    return names
  }

  /** The earliest moment at which something is due; Infinity: never. */
  get next(): number { return Math.min(Infinity, ...this.due.values()) }
}
