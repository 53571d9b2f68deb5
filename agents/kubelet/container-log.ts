/**
 * Container logs as the runtime writes them: CRI's format, one line `TIME STREAM TAG TEXT`, TAG `F` for a whole line and `P` for a part. Mirrors
 * pkg/kubelet/kuberuntime/logs. Files are opened without following links and must be regular: what a pod could put in their place is not read.
 */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'

export interface LogLine { time: string; stream: 'stdout' | 'stderr'; partial: boolean; text: Buffer }

export const parseLogLine = (line: Buffer): LogLine | undefined => {
  const first = line.indexOf(0x20)
  const second = line.indexOf(0x20, first + 1)
  const third = line.indexOf(0x20, second + 1)
  if (first < 0 || second < 0 || third < 0) return undefined
  const stream = line.subarray(first + 1, second).toString()
  if (stream !== 'stdout' && stream !== 'stderr') return undefined
  return { time: line.subarray(0, first).toString(), stream, partial: line.subarray(second + 1, third).toString().startsWith('P'), text: line.subarray(third + 1) }
}

export const openLog = async (file: string): Promise<FileHandle> => {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  const stat = await handle.stat()
  // A second name would be another file's: a hard link.
  if (stat.isFile() && stat.nlink <= 1) return handle
  await handle.close()
  throw new Error(stat.isFile() ? `${file} has another name` : `${file} is not a regular file`)
}

const chunkBytes = 64 * 1024

/** Raw lines from a position on, without their line feeds, up to the end that the file has when it is reached, or to `end`; resolves to where the next whole line begins. */
export async function* linesFrom(handle: FileHandle, position: number, end = Infinity): AsyncGenerator<Buffer, number> {
  let rest: Buffer = Buffer.alloc(0)
  let at = position
  for (;;) {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(chunkBytes), 0, Math.min(chunkBytes, end - at), at)
    if (bytesRead === 0) return at - rest.length
    at += bytesRead
    let data = rest.length > 0 ? Buffer.concat([rest, buffer.subarray(0, bytesRead)]) : buffer.subarray(0, bytesRead)
    for (let feed = data.indexOf(0x0a); feed >= 0; feed = data.indexOf(0x0a)) {
      yield data.subarray(0, feed)
      data = data.subarray(feed + 1)
    }
    rest = data
  }
}

/** Where the last `count` lines of the first `size` bytes begin; a long line that was written in parts is one. */
export const tailPosition = async (handle: FileHandle, count: number, size: number): Promise<number> => {
  let position = size
  if (count === 0) return position
  let tail: Buffer = Buffer.alloc(0)
  while (position > 0) {
    const length = Math.min(chunkBytes, position)
    position -= length
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(length), 0, length, position)
    tail = Buffer.concat([buffer.subarray(0, bytesRead), tail])
    const start = startOfLast(tail, count, position === 0)
    if (start !== undefined) return position + start
  }
  return 0
}

/** After the (count + 1)-th last whole line; undefined if the buffer does not reach back so far. */
const startOfLast = (tail: Buffer, count: number, whole: boolean): number | undefined => {
  let wholes = 0
  for (let end = tail.lastIndexOf(0x0a); end > 0;) {
    const before = tail.lastIndexOf(0x0a, end - 1)
    // What the buffer begins with is a line only at the file's beginning.
    if (before < 0 && !whole) return undefined
    if (!parseLogLine(tail.subarray(before + 1, end))?.partial && ++wholes > count) return end + 1
    end = before
  }
  return undefined
}

/** The end of a log as text: at most so many lines and bytes. For termination messages. */
export const logTail = async (file: string, { lines, bytes }: { lines: number; bytes: number }): Promise<string> => {
  const handle = await openLog(file).catch(() => undefined)
  if (!handle) return ''
  try {
    const texts: Buffer[] = []
    const { size } = await handle.stat()
    for await (const raw of linesFrom(handle, await tailPosition(handle, lines, size), size)) {
      const line = parseLogLine(raw)
      if (line) texts.push(line.partial ? line.text : Buffer.concat([line.text, Buffer.from('\n')]))
    }
    const all = Buffer.concat(texts)
    return all.subarray(Math.max(0, all.length - bytes)).toString()
  } finally {
    await handle.close()
  }
}
