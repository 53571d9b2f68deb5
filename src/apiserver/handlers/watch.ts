/** Watches: a stream of changes from a version on, each encoded once for all who see it the same way. Mirrors apiserver's cacher and `pkg/endpoints/handlers/watch.go`. */
import type { Clock } from '../../api/clock.ts'
import { expired } from '../../api/status.ts'
import { negotiate, notAcceptableStreams } from '../negotiation/accept.ts'
import { protobufFrames } from '../negotiation/protobuf.ts'
import { objectShapesOf } from '../negotiation/shapes.ts'
import { representationOf } from '../negotiation/choose-representation.ts'
import type { ResourceRequest } from '../server-parts.ts'
import { type ListOptions, listOptions, parseResourceVersion } from './list-options.ts'
import { type Selection, selectionOf } from './selection.ts'
import { WatchStream } from './watch-stream.ts'

const bookmarkEveryMs = 60_000
const initialEventsEnd: Readonly<Record<string, string>> = { 'k8s.io/initial-events-end': 'true' }

const hasInitialState = ({ sendInitialEvents, resourceVersion }: ListOptions): boolean => sendInitialEvents ?? (resourceVersion === '' || resourceVersion === '0')

/** Sends what the watch begins with, at one moment of the cache, and subscribes in the same moment: no gap, nothing twice. */
const start = ({ resource, server }: ResourceRequest, stream: WatchStream, parts: { options: ListOptions; selection: Selection; version: number }): (() => void) | undefined => {
  const { options, selection, version } = parts
  const { cache } = resource
  const current = cache.shown(server.cache.revision)
  if (hasInitialState(options)) {
    stream.after = current
    stream.begin(cache.list(selection.namespace).map((slot) => slot.current).filter((object) => selection.matches(object)))
    if (options.sendInitialEvents === true && options.allowWatchBookmarks) stream.bookmark(current, initialEventsEnd)
  } else {
    const from = version === 0 ? current : version
    const missed = cache.since(from)
    if (!missed) {
      stream.fail(expired(`too old resource version: ${from} (${cache.completeSince})`))
      return undefined
    }
    stream.after = from
    for (const event of missed) if (selection.namespace === '' || event.key.startsWith(`${cache.prefix}${selection.namespace}/`)) stream.offer(event)
    stream.catchUp()
  }
  return cache.subscribe(stream)
}

/** Keeps the watch until its time is over, with a bookmark now and then; one more shortly before the end spares the client a relist. */
const keep = async (clock: Clock, stream: WatchStream, parts: { timeoutMs: number; bookmark: (() => void) | undefined; signal: AbortSignal }): Promise<void> => {
  const end = clock.monotonic() + parts.timeoutMs
  while (stream.open && !parts.signal.aborted) {
    const left = end - clock.monotonic()
    if (left <= 0) break
    await clock.sleep(parts.bookmark ? Math.min(bookmarkEveryMs, left) : left, parts.signal).catch(() => undefined)
    if (stream.open && !parts.signal.aborted) parts.bookmark?.()
  }
}

export const watch = async (request: ResourceRequest): Promise<void> => {
  const { exchange, resource, server, namespace } = request
  const accepted = negotiate(exchange.headers['accept'], objectShapesOf(resource.kind))
  if (accepted.format === 'yaml') throw notAcceptableStreams()
  const framing = accepted.format === 'protobuf' ? protobufFrames : exchange.watchFraming
  const options = listOptions(exchange.query, true)
  // The deprecated /watch/ paths name one object in the path.
  const fieldSelector = request.name === '' ? options.fieldSelector : [`metadata.name=${request.name}`, options.fieldSelector].filter(Boolean).join(',')
  const selection = selectionOf(resource, namespace, { ...options, fieldSelector })
  const version = parseResourceVersion(resource.kind, options.resourceVersion)
  const representation = representationOf({ kind: resource.kind, view: resource.view, columns: resource.strategy.columns }, accepted,
    { query: exchange.query, now: () => server.clock.now() })
  if (options.resourceVersion === '') await server.storage.fresh(resource)
  else await server.storage.notOlder(resource, hasInitialState(options) ? version : 0)
  const timeoutMs = options.timeoutSeconds ? options.timeoutSeconds * 1000 : 1_800_000 * (1 + server.random.next())
  const writer = exchange.stream(200, { 'content-type': framing.contentType, 'cache-control': 'no-cache, private' })
  const ended = new AbortController()
  const stream = new WatchStream({ selection, representation, framing, writer, joined: resource.cache.joined, tooSlow: () => {
    server.log.warn('a watcher did not keep up and was cut off', { resource: resource.kind.plural, user: request.user.name })
    ended.abort()
  } })
  const stop = start(request, stream, { options, selection, version })
  exchange.initialized?.()
  try {
    if (stop) await keep(server.clock, stream, { timeoutMs, signal: AbortSignal.any([exchange.signal, server.stopping, ended.signal]),
      bookmark: options.allowWatchBookmarks ? () => stream.bookmark(resource.cache.shown(server.cache.revision)) : undefined })
  } finally {
    stop?.()
    stream.end()
  }
}
