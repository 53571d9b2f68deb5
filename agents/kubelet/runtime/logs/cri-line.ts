/** Log lines as the container runtime interface has them: `<RFC 3339 with nanoseconds> <stream> <F|P> <text>`. Pure. */
export type Stream = 'stdout' | 'stderr'

/** Longer lines are cut, as containerd does; a cut piece is tagged P and the next one goes on with it. */
export const maxLineBytes = 16 * 1024

const newline = 0x0a

/**
 * What a stream has said, as whole lines of the log file. The end of a chunk without a newline is written at once, tagged P: nothing of it is kept in
 * memory, so the death of the kubelet loses nothing that it has read, and a prompt is seen when it is printed.
 */
export const criLines = (stream: Stream, chunk: Buffer, at: Date): Buffer => {
  const head = Buffer.from(`${at.toISOString().slice(0, 23)}000000Z ${stream} `)
  const pieces: Buffer[] = []
  for (let start = 0; start < chunk.length;) {
    const end = chunk.indexOf(newline, start)
    const stop = end < 0 ? chunk.length : end
    for (; stop - start > maxLineBytes; start += maxLineBytes) pieces.push(head, partial, chunk.subarray(start, start + maxLineBytes), lineEnd)
    pieces.push(head, end < 0 ? partial : full, chunk.subarray(start, stop), lineEnd)
    start = stop + 1
  }
  return Buffer.concat(pieces)
}

const partial = Buffer.from('P ')
const full = Buffer.from('F ')
const lineEnd = Buffer.from('\n')
