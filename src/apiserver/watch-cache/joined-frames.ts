/** More is not kept for others: what a watch begins with may be large, and is its own. */
const maxKeptBytes = 1 << 20

/** Frames of several events as one piece of bytes, made once for watchers that get the same ones one after the other. */
export class JoinedFrames {
  private frames: readonly Buffer[] = []
  private bytes: Buffer = Buffer.alloc(0)

  /** `length`: of all frames together. Neither the list nor the frames may be changed afterwards. */
  join(frames: readonly Buffer[], length: number): Buffer {
    if (frames.length === 1) return frames[0] as Buffer
    if (length > maxKeptBytes) return Buffer.concat(frames, length)
    if (!this.isLast(frames)) {
      this.bytes = Buffer.concat(frames, length)
      this.frames = frames
    }
    return this.bytes
  }

  private isLast(frames: readonly Buffer[]): boolean {
    if (frames.length !== this.frames.length) return false
    for (let index = frames.length - 1; index >= 0; index -= 1) if (frames[index] !== this.frames[index]) return false
    return true
  }
}
