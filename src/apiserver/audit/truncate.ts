/** Events and batches that are too large for who takes them: bodies are left out, batches are parted. Mirrors apiserver's `plugin/pkg/audit/truncate`. */
import type { JsonObject } from '../../api/meta.ts'
import type { Log } from '../log.ts'
import type { AuditBackend } from './backend.ts'

export interface TruncateLimits { maxEventBytes: number; maxBatchBytes: number }

/** The event without what was sent and answered, and a note that says so. */
const withoutBodies = (line: string): string => {
  const { requestObject: _request, responseObject: _response, annotations, ...event } = JSON.parse(line) as JsonObject
  return JSON.stringify({ ...event, annotations: { ...(annotations as JsonObject | undefined), 'audit.k8s.io/truncated': 'true' } })
}

const hasBodies = (line: string): boolean => /"level":"Request(Response)?"/.test(line.slice(0, 200))

export const truncatingBackend = (backend: AuditBackend, { maxEventBytes, maxBatchBytes }: TruncateLimits, log: Log): AuditBackend => ({
  async deliver(lines) {
    const batches: string[][] = []
    let size = Infinity
    let fits = true
    for (const line of lines) {
      const shown = Buffer.byteLength(line) > maxEventBytes && hasBodies(line) ? withoutBodies(line) : line
      const bytes = Buffer.byteLength(shown)
      if (bytes > maxEventBytes) {
        log.error('an audit event is lost: it is too large even after truncating', { bytes, maxEventBytes })
        fits = false
        continue
      }
      if (size + bytes > maxBatchBytes) {
        batches.push([])
        size = 0
      }
      batches.at(-1)?.push(shown)
      size += bytes
    }
    const stored: boolean[] = []
    for (const batch of batches) stored.push(await backend.deliver(batch))
    return fits && stored.every(Boolean)
  },
  close: () => backend.close(),
})
