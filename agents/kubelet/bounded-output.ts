/** The first bytes that a command writes; what comes after them is let go, for how much that is, is up to a container. */
export interface BoundedOutput { take(chunk: Uint8Array): void; text(): string }

export const boundedOutput = (maxBytes: number): BoundedOutput => {
  const chunks: Uint8Array[] = []
  let left = maxBytes
  return {
    take(chunk) {
      if (left === 0) return
      const kept = chunk.length <= left ? chunk : new Uint8Array(chunk.subarray(0, left)) // a copy: a view would keep all of it
      left -= kept.length
      chunks.push(kept)
    },
    text: () => Buffer.concat(chunks).toString(),
  }
}
