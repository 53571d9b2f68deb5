/** One source, any number of readers that come and go: each gets what it begins with, then what is told, at its own speed. */
export interface Broadcast<T> {
  tell(item: T): void
  /** `begin`, then all that is told, until `signal` aborts. A reader that falls `maxBehind` behind loses the oldest. */
  watch(begin: readonly T[], signal: AbortSignal): AsyncIterable<T>
}

export const broadcast = <T>(maxBehind: number): Broadcast<T> => {
  const readers = new Set<(item: T) => void>()
  return {
    tell(item) { for (const reader of readers) reader(item) },
    async *watch(begin, signal) {
      let waiting = [...begin]
      let wake: (() => void) | undefined
      const reader = (item: T): void => {
        waiting.push(item)
        if (waiting.length > maxBehind) waiting.shift()
        wake?.()
      }
      const stop = (): void => wake?.()
      readers.add(reader)
      signal.addEventListener('abort', stop)
      try {
        while (!signal.aborted) {
          const batch = waiting
          waiting = []
          yield* batch
          if (waiting.length === 0 && !signal.aborted) await new Promise<void>((resolve) => { wake = resolve })
        }
      } finally {
        readers.delete(reader)
        signal.removeEventListener('abort', stop)
      }
    },
  }
}
