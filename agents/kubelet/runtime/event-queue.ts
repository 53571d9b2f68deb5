/** A queue between callbacks and one consumer who iterates. */
export interface EventQueue<T> {
  push(event: T): void
  /** Ends when the signal aborts; what is queued then stays for the next consumer. */
  events(signal: AbortSignal): AsyncIterable<T>
}

export const eventQueue = <T>(): EventQueue<T> => {
  const queue: T[] = []
  let wake: (() => void) | undefined
  return {
    push(event) {
      queue.push(event)
      wake?.()
    },
    async *events(signal) {
      const stop = (): void => wake?.()
      signal.addEventListener('abort', stop)
      try {
        while (!signal.aborted) {
          const event = queue.shift()
          if (event !== undefined) yield event
          else await new Promise<void>((resolve) => { wake = resolve })
        }
      } finally {
        signal.removeEventListener('abort', stop)
        wake = undefined
      }
    },
  }
}
