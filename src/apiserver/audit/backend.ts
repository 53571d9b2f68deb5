/** Where audit events go, and who waits for it. Mirrors apiserver's `pkg/audit/types.go` and the modes of `pkg/server/options/audit.go`. */

/** Takes events, JSON texts; never throws. */
export interface AuditSink {
  /** Resolves with whether the request may go on, where it has to wait for that; undefined where nobody waits. */
  write(line: string): Promise<boolean> | void
  /** Resolves when everything taken so far is delivered, or known to be lost. */
  close(): Promise<void>
}

/** Delivers events; resolves with whether they are safe. Never rejects; what is lost is logged. */
export interface AuditBackend {
  deliver(lines: readonly string[]): Promise<boolean>
  close(): Promise<void>
}

/** Every event is delivered before its request goes on; `strict`: and the request fails when it cannot be. */
export const blockingSink = (backend: AuditBackend, { strict }: { strict: boolean }): AuditSink => ({
  write: async (line) => { const stored = await backend.deliver([line]); return stored || !strict },
  close: () => backend.close(),
})

/** Several sinks as one. */
export const unionSink = (sinks: readonly AuditSink[]): AuditSink => ({
  write(line) {
    const waiting = sinks.map((each) => each.write(line)).filter((each) => each !== undefined)
    return waiting.length === 0 ? undefined : Promise.all(waiting).then((all) => all.every(Boolean))
  },
  close: async () => { await Promise.all(sinks.map((each) => each.close())) },
})
