/**
 * The server's end of a SPDY/3.1 connection, over any connection. Streams are opened by the client alone, as all of Kubernetes' protocols have it.
 *
 * Flow control: what we receive is paid back with WINDOW_UPDATE as it is read. The peer's windows bind us once it has shown that it keeps any: the library
 * of kubectl and client-go neither sends WINDOW_UPDATE nor heeds it, so that a sender who waits for it stands still after 64 KiB. For the same reason a
 * client that sends beyond our window is not reset but, at a limit, not read any further: the connection's own flow control then slows it down.
 */
import type { Duplex } from 'node:stream'
import { encode, type Frame, goAwayStatus, initialWindowSetting, rstStatus, SpdyProtocolError } from './frames.ts'
import { FrameReader } from './frame-reader.ts'
import { HeaderReader, HeaderWriter } from './header-block.ts'
import { SpdyStream, SpdyStreamReset, type StreamHost } from './stream.ts'

const initialWindow = 64 * 1024
/** A window is given back when half of it has been read. */
const giveBackAt = initialWindow / 2
/** What waits on one stream, unread, before nothing more is read at all. */
const mostUnread = 1 << 20
/** And on all of them together. */
const mostUnreadInAll = 16 << 20
const largestData = 32 * 1024
const mostStreams = 1000
const largestWindow = 0x7fff_ffff

type SynStream = Extract<Frame, { type: 'synStream' }>

export class SpdyConnection implements StreamHost {
  private readonly socket: Duplex
  private readonly accept: (stream: SpdyStream) => boolean
  private readonly streams = new Map<number, SpdyStream>()
  private readonly headerReader = new HeaderReader()
  private readonly headerWriter = new HeaderWriter()
  private readonly waiting = new Set<() => void>()
  private readonly toGiveBack = new Map<number, number>()
  /** The peer's windows, and which kinds of them it keeps. */
  private sessionWindow = initialWindow
  private streamWindow = initialWindow
  private keeps = { session: false, stream: false }
  private lastStreamId = 0
  private unread = 0
  private closing = false
  private over = false

  /** `accept` says whether a new stream is wanted; it may use it at once, or later. */
  constructor(socket: Duplex, accept: (stream: SpdyStream) => boolean) {
    this.socket = socket
    this.accept = accept
    socket.on('drain', () => this.wake())
    socket.on('error', () => undefined)
    socket.once('close', () => this.end())
  }

  /** Reads until the connection has ended; every stream is over then. */
  async run(): Promise<void> {
    const reader = new FrameReader()
    try {
      const chunks = this.socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>
      for await (const chunk of chunks) for (const frame of reader.push(chunk)) await this.handle(frame)
    } catch (error) {
      if (error instanceof SpdyProtocolError) this.put(encode.goAway(this.lastStreamId, goAwayStatus.protocolError))
    } finally {
      this.end()
      // What is still on its way to us must not make the kernel throw away what is on its way to the client.
      this.socket.resume()
      this.socket.end(() => this.socket.destroy())
    }
  }

  /** Says goodbye, with everything sent before it. The client is to close; whoever calls may destroy the socket when it does not. */
  close(): void {
    if (this.closing || this.over) return
    this.closing = true
    this.put(encode.goAway(this.lastStreamId, goAwayStatus.ok))
    this.socket.end()
  }

  private end(): void {
    if (this.over) return
    this.over = true
    for (const stream of this.streams.values()) stream.destroy(stream.remoteEnded ? undefined : new SpdyStreamReset('the connection is closed'))
    this.streams.clear()
    this.wake()
  }

  private put(...frames: Uint8Array[]): void {
    if (this.socket.destroyed || this.socket.writableEnded) return
    this.socket.cork()
    for (const frame of frames) this.socket.write(frame)
    this.socket.uncork()
  }

  private wake(): void {
    const waiting = [...this.waiting]
    this.waiting.clear()
    for (const resume of waiting) resume()
  }

  /** Until something has changed: a window, the socket, what was read, a stream's end. */
  private changed(): Promise<void> { return new Promise((resolve) => { this.waiting.add(resolve) }) }

  private async handle(frame: Frame): Promise<void> {
    switch (frame.type) {
      case 'data': return this.onData(frame)
      case 'synStream': this.onSynStream(frame); break
      case 'synReply': this.headerReader.read(frame.block); this.put(encode.rstStream(frame.streamId, rstStatus.invalidStream)); break
      case 'headers': this.onHeaders(frame); break
      case 'rstStream': this.streams.get(frame.streamId)?.destroy(new SpdyStreamReset(`the client has reset the stream, status ${frame.status}`)); break
      case 'settings': this.onSettings(frame); break
      // Odd ones are the client's; even ones would answer ours, and we send none.
      case 'ping': if (frame.id % 2 === 1) this.put(encode.ping(frame.id)); break
      case 'windowUpdate': this.onWindowUpdate(frame); break
      default:
    }
  }

  private onSynStream({ streamId, fin, unidirectional, block }: SynStream): void {
    const headers = this.headerReader.read(block)
    if (this.streams.has(streamId)) { this.reset(streamId, rstStatus.streamInUse); return }
    if (streamId % 2 === 0 || streamId <= this.lastStreamId) throw new SpdyProtocolError(`stream ${streamId} cannot follow stream ${this.lastStreamId}`)
    this.lastStreamId = streamId
    if (this.closing || this.streams.size >= mostStreams) { this.put(encode.rstStream(streamId, rstStatus.refusedStream)); return }
    const stream = new SpdyStream(streamId, this, { headers, sendWindow: this.streamWindow, fin, unidirectional })
    this.streams.set(streamId, stream)
    if (!this.accept(stream)) { this.reset(streamId, rstStatus.cancel); return }
    if (!unidirectional) this.put(encode.synReply(streamId, this.headerWriter.write(new Map())))
  }

  private onHeaders({ streamId, fin, block }: Extract<Frame, { type: 'headers' }>): void {
    const more = this.headerReader.read(block)
    const stream = this.streams.get(streamId)
    if (!stream || stream.remoteEnded) return
    stream.headers = new Map([...stream.headers, ...more])
    if (fin) stream.receive(Buffer.alloc(0), true)
  }

  private async onData({ streamId, data, fin }: Extract<Frame, { type: 'data' }>): Promise<void> {
    const stream = this.streams.get(streamId)
    if (!stream) {
      // One that we have ended already may still be on its way; for the session's window it counts as read.
      this.giveBack(0, data.length)
      if (streamId > this.lastStreamId) this.put(encode.rstStream(streamId, rstStatus.invalidStream))
      return
    }
    if (stream.remoteEnded) {
      this.giveBack(0, data.length)
      this.reset(streamId, rstStatus.streamAlreadyClosed)
      return
    }
    this.unread += data.length
    stream.receive(data, fin)
    while ((stream.readableLength > mostUnread || this.unread > mostUnreadInAll) && !stream.destroyed && !this.over) await this.changed()
  }

  private onSettings({ settings }: Extract<Frame, { type: 'settings' }>): void {
    for (const { id, value } of settings) {
      if (id !== initialWindowSetting || value > largestWindow) continue
      for (const stream of this.streams.values()) stream.sendWindow += value - this.streamWindow
      this.streamWindow = value
      this.keeps.stream = true
    }
    this.wake()
  }

  private onWindowUpdate({ streamId, delta }: Extract<Frame, { type: 'windowUpdate' }>): void {
    const stream = this.streams.get(streamId)
    if (streamId === 0) {
      this.keeps.session = true
      this.sessionWindow += delta
      if (this.sessionWindow > largestWindow) throw new SpdyProtocolError('the window of the session is larger than a window can be')
    } else {
      this.keeps.stream = true
      if (stream && (stream.sendWindow += delta) > largestWindow) this.reset(streamId, rstStatus.flowControlError)
    }
    this.wake()
  }

  private reset(streamId: number, status: number): void {
    const stream = this.streams.get(streamId)
    this.streams.delete(streamId)
    this.put(encode.rstStream(streamId, status))
    stream?.destroy(new SpdyStreamReset(`the stream was reset, status ${status}`))
  }

  private allowance(stream: SpdyStream): number {
    return Math.min(largestData, this.keeps.stream ? stream.sendWindow : Infinity, this.keeps.session ? this.sessionWindow : Infinity)
  }

  send(stream: SpdyStream, data: Buffer, done: (error?: Error) => void): void {
    this.sendAll(stream, data).then(() => done(), (error: unknown) => done(error instanceof Error ? error : new Error(String(error))))
  }

  private async sendAll(stream: SpdyStream, data: Buffer): Promise<void> {
    for (let at = 0; at < data.length;) {
      if (this.over || stream.destroyed) throw new SpdyStreamReset('the stream is closed')
      const length = Math.min(this.allowance(stream), data.length - at)
      if (length <= 0) { await this.changed(); continue }
      this.put(encode.dataHeader(stream.id, length, false), data.subarray(at, at + length))
      stream.sendWindow -= length
      this.sessionWindow -= length
      at += length
      while (this.socket.writableNeedDrain && !this.over && !stream.destroyed) await this.changed()
    }
  }

  finish(stream: SpdyStream): void { this.put(encode.dataHeader(stream.id, 0, true)) }

  consumed(stream: SpdyStream, bytes: number): void {
    this.unread -= bytes
    if (!stream.remoteEnded) this.giveBack(stream.id, bytes)
    this.giveBack(0, bytes)
    this.wake()
  }

  private giveBack(id: number, bytes: number): void {
    const sum = (this.toGiveBack.get(id) ?? 0) + bytes
    if (sum >= giveBackAt) this.put(encode.windowUpdate(id, sum))
    this.toGiveBack.set(id, sum >= giveBackAt ? 0 : sum)
  }

  forget(stream: SpdyStream): void {
    this.toGiveBack.delete(stream.id)
    const unread = stream.giveUp()
    this.unread -= unread
    if (unread > 0) this.giveBack(0, unread)
    // Not there any more when the reset came from us.
    if (this.streams.delete(stream.id) && !(stream.remoteEnded && stream.localEnded)) this.put(encode.rstStream(stream.id, rstStatus.cancel))
    this.wake()
  }
}
