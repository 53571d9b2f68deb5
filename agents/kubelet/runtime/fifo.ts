/** FIFOs: opened without ever blocking, read as the kernel tells that there is something, never through the thread pool. */
import { closeSync, constants, existsSync, openSync, readSync, writeSync } from 'node:fs'
import net from 'node:net'
import type { Clock } from '../../../src/api/clock.ts'

export const openForReading = (file: string): number => openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)

/** For reading and writing, so that neither end is ever missing. */
export const openForBoth = (file: string): number => openSync(file, constants.O_RDWR | constants.O_NONBLOCK)

export interface Reader {
  /** What has been written and not yet read, at once, in chunks. Returns false at end-of-file. */
  drain(): boolean
  close(): void
}

/** `chunk` is valid during the call only. */
export interface ReaderEvents { data(chunk: Buffer): void; end?(): void }

const chunkBytes = 65_536

// One for all: what is read is used up before the next read, and between the two nothing else runs.
const buffer = Buffer.alloc(chunkBytes)

/** Takes over `fd`. `end` is called when the last writer has closed, once there was one. */
export const readFifo = (fd: number, { data, end }: ReaderEvents): Reader => {
  let closed = false
  const socket = new net.Socket({ fd, readable: true, writable: false, onread: { buffer, callback: (count, chunk) => { data((chunk as Buffer).subarray(0, count)); return true } } })
  socket.resume()
  socket.on('end', () => { if (!closed) end?.() })
  // A FIFO that fails to be read is as good as ended.
  socket.on('error', () => { if (!closed) end?.() })
  return {
    // After end-of-file the socket has closed the descriptor, whose number may be somebody else's by now.
    drain: () => !socket.destroyed && drain(fd, data),
    close: () => {
      if (closed) return
      closed = true
      socket.destroy()
    },
  }
}

/** Reads until there is nothing more; false at end-of-file, which is also what a FIFO without any writer says. */
export const drain = (fd: number, data: (chunk: Buffer) => void): boolean => {
  for (;;) {
    try {
      const count = readSync(fd, buffer, 0, chunkBytes, null)
      if (count === 0) return false
      data(buffer.subarray(0, count))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return true
      throw error
    }
  }
}

/** Whether a process holds the FIFO open for writing; false if there is no such FIFO. What was in it is lost. */
export const hasWriter = (file: string): boolean => {
  if (!existsSync(file)) return false
  const fd = openForReading(file)
  try {
    return drain(fd, () => {})
  } finally {
    closeSync(fd)
  }
}

/** Writes everything, waiting while the reader is behind; rejects when it has not caught up in ten seconds. */
export const writeFifo = async (fd: number, text: string | Uint8Array, clock: Clock): Promise<void> => {
  let rest = Buffer.from(text)
  const deadline = clock.monotonic() + 10_000
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      if (clock.monotonic() > deadline) throw new Error('the process at the other end of the FIFO does not read', { cause: error })
      await clock.sleep(1, new AbortController().signal)
    }
  }
}
