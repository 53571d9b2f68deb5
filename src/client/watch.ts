/** The framing of a watch's body: one JSON document a line. Mirrors apimachinery `pkg/watch` + `pkg/runtime/serializer/streaming`. */

const newline = 10

/**
 * Lines of text from chunks of bytes, cut anywhere. Bytes are copied only for a line that spans chunks.
 * Empty lines are left out; the last line counts without its newline, too.
 */
export async function* lines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let begun: Uint8Array[] = []
  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    let start = 0
    for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, start)) {
      const line = begun.length === 0 ? bytes.toString('utf8', start, end) : Buffer.concat([...begun, bytes.subarray(start, end)]).toString()
      begun = []
      start = end + 1
      if (line !== '') yield line
    }
    if (start < bytes.length) begun.push(bytes.subarray(start))
  }
  if (begun.length > 0) yield Buffer.concat(begun).toString()
}

/** A whole body as text; one chunk, the usual case, is not copied. */
export const text = async (chunks: AsyncIterable<Uint8Array>): Promise<string> => {
  const all: Uint8Array[] = []
  for await (const chunk of chunks) all.push(chunk)
  const [only] = all
  return (all.length === 1 && only ? Buffer.from(only.buffer, only.byteOffset, only.byteLength) : Buffer.concat(all)).toString()
}
