/** Events are gathered and delivered together, while requests go on. Mirrors apiserver's `plugin/pkg/audit/buffered`. */
import type { Clock } from '../../api/clock.ts'
import type { Log } from '../log.ts'
import type { AuditBackend, AuditSink } from './backend.ts'

export interface BatchOptions {
  /** Events that may wait; more are lost, and said to be. */
  bufferSize: number
  maxBatchSize: number
  /** How long the first of a batch waits for others; 0: not at all. */
  maxBatchWaitMs: number
  /** Batches in a second, and how many at once after a pause. */
  throttle?: { qps: number; burst: number } | undefined
  /** Whether a batch may be sent while another is on its way. */
  concurrent: boolean
}

class BatchSink implements AuditSink {
  private readonly backend: AuditBackend
  private readonly options: BatchOptions
  private readonly clock: Clock
  private readonly log: Log
  private readonly closing = new AbortController()
  private waiting: string[] = []
  private tokens: number
  private refilledAt: number
  private wake: () => void = () => undefined
  private lost = 0
  private readonly underWay = new Set<Promise<unknown>>()
  private readonly running: Promise<void>

  constructor(backend: AuditBackend, options: BatchOptions, { clock, log }: { clock: Clock; log: Log }) {
    this.backend = backend
    this.options = options
    this.clock = clock
    this.log = log
    this.tokens = options.throttle?.burst ?? 0
    this.refilledAt = clock.monotonic()
    this.running = this.run()
  }

  write(line: string): void {
    if (this.waiting.length >= this.options.bufferSize) {
      if (this.lost === 0) this.log.error('audit events are lost: the buffer is full', { bufferSize: this.options.bufferSize })
      this.lost += 1
      return
    }
    this.waiting.push(line)
    this.wake()
  }

  /** What waits is delivered at once. */
  async close(): Promise<void> {
    this.closing.abort()
    this.wake()
    await this.running
    await Promise.all(this.underWay)
    await this.backend.close()
  }

  private async until(enough: () => boolean): Promise<void> {
    while (!enough() && !this.closing.signal.aborted) await new Promise<void>((resolve) => { this.wake = resolve })
  }

  private async run(): Promise<void> {
    const { maxBatchSize, maxBatchWaitMs } = this.options
    while (!this.closing.signal.aborted || this.waiting.length > 0) {
      await this.until(() => this.waiting.length > 0)
      if (maxBatchWaitMs > 0 && maxBatchSize > 1) await this.gather(maxBatchSize, maxBatchWaitMs)
      await this.throttled()
      const batch = this.waiting.splice(0, maxBatchSize)
      if (batch.length > 0) await this.send(batch)
    }
  }

  /** Until there are as many as a batch has, or the time is over. */
  private async gather(count: number, milliseconds: number): Promise<void> {
    const gathered = new AbortController()
    const signal = AbortSignal.any([this.closing.signal, gathered.signal])
    const over = this.clock.sleep(milliseconds, signal).catch(() => undefined)
    await Promise.race([over, this.until(() => this.waiting.length >= count || gathered.signal.aborted)])
    gathered.abort()
    this.wake()
    await over
  }

  private async throttled(): Promise<void> {
    const { throttle } = this.options
    while (throttle && !this.closing.signal.aborted) {
      const now = this.clock.monotonic()
      this.tokens = Math.min(throttle.burst, this.tokens + (now - this.refilledAt) / 1000 * throttle.qps)
      this.refilledAt = now
      if (this.tokens >= 1) {
        this.tokens -= 1
        return
      }
      await this.clock.sleep(Math.ceil((1 - this.tokens) / throttle.qps * 1000), this.closing.signal).catch(() => undefined)
    }
  }

  private async send(batch: readonly string[]): Promise<void> {
    if (this.lost > 0) this.log.warn('audit events are buffered again', { lost: this.lost })
    this.lost = 0
    const sent = this.backend.deliver(batch)
    if (!this.options.concurrent) { await sent; return }
    this.underWay.add(sent)
    void sent.finally(() => this.underWay.delete(sent))
  }
}

export const batchSink = (backend: AuditBackend, options: BatchOptions, parts: { clock: Clock; log: Log }): AuditSink => new BatchSink(backend, options, parts)
