import type { ResponseHeaders } from '../exchange.ts'

/** What is about the carrier. */
const carriers: ReadonlySet<string> = new Set(['content-type', 'content-length', 'content-encoding', 'cache-control', 'vary', 'connection', 'transfer-encoding', 'date', 'retry-after'])

/** Of an answer's headers, what is told as metadata: warnings, the id for the audit log. */
export const metadataOf = (headers: ResponseHeaders): Record<string, string | string[]> => {
  const metadata: Record<string, string | string[]> = {}
  for (const name in headers) if (!carriers.has(name)) metadata[name] = headers[name] as string | string[]
  return metadata
}
