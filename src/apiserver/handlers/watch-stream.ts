/** What one watcher is told, and how it gets there: a reader that does not keep up is cut off. */
import { expired, type StatusError } from '../../api/status.ts'
import type { BodyWriter } from '../exchange.ts'
import type { Representation } from '../negotiation/representation.ts'
import type { CacheEvent } from '../watch-cache/cache-event.ts'
import type { CachedObject } from '../watch-cache/cached-object.ts'
import type { JoinedFrames } from '../watch-cache/joined-frames.ts'
import type { Watcher } from '../watch-cache/kind-cache.ts'
import type { WatchFraming } from '../watch-framing.ts'
import type { Selection } from './selection.ts'

/** A reader that is so many bytes behind is cut off: it must not cost the server its memory. */
const maxPendingBytes = 8 * 1024 * 1024

/** One watcher's events on their way to it. */
export class WatchStream implements Watcher {
  readonly namespace: string
  private readonly selection: Selection
  private readonly representation: Representation
  private readonly framing: WatchFraming
  /** Under which an event keeps its frame for others; undefined: it is made for this watcher alone. */
  private readonly key: string | undefined
  private readonly writer: BodyWriter
  private readonly joined: JoinedFrames
  private readonly tooSlow: () => void
  private frames: Buffer[] = []
  private queued = 0
  private writing = false
  private allowance = maxPendingBytes
  private first = true
  /** Changes up to this revision have been told already. */
  after = 0
  open = true

  constructor(parts: { selection: Selection; representation: Representation; framing: WatchFraming; writer: BodyWriter; joined: JoinedFrames; tooSlow: () => void }) {
    this.selection = parts.selection
    this.namespace = parts.selection.namespace
    this.representation = parts.representation
    this.framing = parts.framing
    this.key = parts.representation.key === undefined ? undefined : `${parts.framing.key}${parts.representation.key}`
    this.writer = parts.writer
    this.joined = parts.joined
    this.tooSlow = parts.tooSlow
  }

  offer(event: CacheEvent): void {
    if (event.revision <= this.after || !this.open) return
    const seen = event.seenBy(this.selection.matches)
    if (!seen) return
    const encode = (): Buffer => this.framing.frame(seen.type, this.representation.watched(seen.object, this.first))
    this.push(this.key === undefined ? encode() : event.frame(seen.type, this.key, encode))
    this.first = false
  }

  private push(bytes: Buffer): void {
    this.frames.push(bytes)
    this.queued += bytes.length
  }

  /** One write is under way at a time: what comes meanwhile goes out together, so that a busy server writes less often, not more. */
  flush(): void {
    if (this.frames.length === 0 || !this.open) return
    if (this.writing) {
      if (this.queued + this.writer.pending > this.allowance) this.cutOff()
      return
    }
    const bytes = this.joined.join(this.frames, this.queued)
    this.frames = []
    this.queued = 0
    this.writing = true
    this.writer.write(bytes, this.written)
  }

  private readonly written = (): void => {
    this.writing = false
    this.allowance = maxPendingBytes
    this.flush()
  }

  private cutOff(): void {
    this.close()
    this.writer.abort()
    this.tooSlow()
  }

  /** What exists, before what changes. Its bytes do not count against a slow reader. */
  begin(objects: readonly CachedObject[]): void {
    for (const object of objects) {
      this.push(this.framing.frame('ADDED', this.representation.watched(object, this.first)))
      this.first = false
    }
    this.catchUp()
  }

  /** Sends what there is, which the reader may take its time for. */
  catchUp(): void {
    this.allowance += this.queued
    this.flush()
  }

  bookmark(revision: number, annotations?: Readonly<Record<string, string>>): void {
    this.push(this.framing.frame('BOOKMARK', this.representation.bookmark(String(revision), annotations, this.first)))
    this.first = false
    this.flush()
  }

  fail(error: StatusError): void {
    this.push(this.framing.frame('ERROR', Buffer.from(JSON.stringify(error.status))))
    this.flush()
    this.end()
  }

  expire(): void {
    this.fail(expired('The resourceVersion for the provided watch is too old.'))
  }

  end(): void {
    if (this.open) {
      // The last words may not wait for a write that is under way.
      if (this.frames.length > 0) this.writer.write(Buffer.concat(this.frames, this.queued))
      this.writer.end()
    }
    this.close()
  }

  close(): void {
    this.open = false
  }
}
