/** How the events of a watch stand in its stream: a line of JSON each over HTTP, a message each over gRPC. The objects' bytes are the same. */
import type { EventType } from '../api/resource-service.ts'

export interface WatchFraming {
  /** Distinguishes what is kept of one framing from what is kept of others. */
  key: string
  /** Of a stream that consists of such frames. */
  contentType: string
  frame(type: EventType, object: Buffer): Buffer
}

const closing = Buffer.from('}\n')
const openings = Object.fromEntries(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR'].map((type) => [type, Buffer.from(`{"type":"${type}","object":`)])) as Record<EventType, Buffer>

export const jsonLines: WatchFraming = {
  key: '', contentType: 'application/json',
  frame: (type, object) => Buffer.concat([openings[type], object, closing]),
}
