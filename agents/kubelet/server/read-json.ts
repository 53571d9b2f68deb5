import { HttpError } from './route.ts'

/** The body as JSON, of at most `maxBytes`. Rejects with 413, or with 400 and `shape`, which says what it should have been. */
export const readJson = async (request: AsyncIterable<Uint8Array>, { maxBytes, shape }: { maxBytes: number; shape: string }): Promise<unknown> => {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size > maxBytes) throw new HttpError(413, 'the body is too large')
    chunks.push(chunk)
  }
  try { return JSON.parse(Buffer.concat(chunks).toString()) } catch { throw new HttpError(400, shape) }
}
