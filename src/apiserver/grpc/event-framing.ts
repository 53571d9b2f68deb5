/** The events of a watch as messages of a gRPC stream. */
import { encodeEvent } from '../../api/resource-message.ts'
import { eventTypes } from '../../api/resource-service.ts'
import type { BodyWriter } from '../exchange.ts'
import type { WatchFraming } from '../watch-framing.ts'

export const grpcContentType = 'application/grpc'

export const grpcEvents: WatchFraming = { key: 'grpc ', contentType: grpcContentType, frame: encodeEvent }

const newline = 10
/** No event is so long. */
const maxLineBytes = 16 * 1024 * 1024

/** The message of a line that somebody else's server wrote. Throws for what is no event. */
const eventOfLine = (line: Buffer): Buffer => {
  const { type, object } = JSON.parse(line.toString()) as { type: unknown; object: unknown }
  const known = eventTypes.find((each) => each !== '' && each === type)
  if (!known) throw new Error(`an event of unknown type ${JSON.stringify(type)}`)
  return encodeEvent(known, Buffer.from(JSON.stringify(object)))
}

/** A writer of lines over a writer of messages: watches of servers behind this one come as lines. */
export const eventsOfLines = (writer: BodyWriter): BodyWriter => {
  let begun: Buffer = Buffer.alloc(0)
  return {
    get pending() { return writer.pending },
    drained: () => writer.drained(),
    abort: () => writer.abort(),
    write(bytes, taken) {
      const all = begun.length === 0 ? Buffer.from(bytes) : Buffer.concat([begun, bytes])
      const end = all.lastIndexOf(newline)
      begun = all.subarray(end + 1)
      try {
        if (begun.length > maxLineBytes) throw new Error('a line without an end')
        const messages = end < 0 ? [] : [...splitLines(all.subarray(0, end))].map(eventOfLine)
        return writer.write(Buffer.concat(messages), taken)
      } catch {
        // What is no event cannot be told in a message: the stream breaks, as a line that is none breaks it for the reader.
        writer.abort()
        return false
      }
    },
    end() {
      if (begun.length > 0) this.write(Buffer.from('\n'))
      writer.end()
    },
  }
}

function* splitLines(bytes: Buffer): Generator<Buffer> {
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(newline, start)
    const line = bytes.subarray(start, end < 0 ? bytes.length : end)
    if (line.length > 0) yield line
    start += line.length + 1
  }
}
