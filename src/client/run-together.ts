/** Long-lived parts that stand or fall together. */
import type { Component } from './component.ts'

/** Runs them until the signal aborts; when one fails (or, unasked, ends), the others are ended, and its error is thrown once all are down. */
export const runTogether = async (parts: readonly Pick<Component, 'run'>[], signal: AbortSignal): Promise<void> => {
  const failed = new AbortController()
  const both = AbortSignal.any([signal, failed.signal])
  const results = await Promise.allSettled(parts.map(async ({ run }) => {
    try {
      await run(both)
    } finally {
      failed.abort()
    }
  }))
  const problem = results.find((result) => result.status === 'rejected' && !(signal.aborted && isAbort(result.reason, both)))
  if (problem?.status === 'rejected') throw problem.reason
}

const isAbort = (error: unknown, signal: AbortSignal): boolean => error === signal.reason || (error instanceof Error && error.name === 'AbortError')
