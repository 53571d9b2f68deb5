/** Wherry's own: what the dashboard shows beyond the API. */
import type { Machine } from '../pod-run.ts'
import type { PodWorkers } from '../pod-workers.ts'
import type { UsageSampler } from '../stats/usage-sampler.ts'
import { csiRoute } from './csi-route.ts'
import { processesOf } from './processes.ts'
import { readJson } from './read-json.ts'
import { answerJson, answerStream, HttpError, type Route } from './route.ts'

export interface WherryRouteParts { machine: Machine; workers: PodWorkers; sampler: UsageSampler }

const lineType = 'application/x-ndjson'
const maxOrderBytes = 64 * 1024

async function* asLines(source: AsyncIterable<unknown>): AsyncGenerator<string> {
  for await (const each of source) yield `${JSON.stringify(each)}\n`
}

const watches = (query: URLSearchParams): boolean => ['true', '1'].includes(query.get('watch') ?? '')

interface SignalOrder { podUid: string; container: string; signal: NodeJS.Signals | number; pid?: number }

const readOrder = async (request: AsyncIterable<Uint8Array>): Promise<SignalOrder> => {
  const body = await readJson(request, { maxBytes: maxOrderBytes, shape: 'the body must be JSON: {podUid, container, signal, pid?}' })
  const { podUid, container, signal, pid } = (body ?? {}) as Partial<Record<keyof SignalOrder, unknown>>
  if (typeof podUid !== 'string' || typeof container !== 'string') throw new HttpError(400, 'podUid and container: Required value')
  const known = typeof signal === 'number' ? Number.isInteger(signal) && signal > 0 && signal <= 64 : typeof signal === 'string' && /^SIG[A-Z0-9+-]+$/.test(signal)
  if (!known) throw new HttpError(400, 'signal: must be a number or a name like SIGTERM')
  if (pid !== undefined && (!Number.isInteger(pid) || (pid as number) < 1)) throw new HttpError(400, 'pid: must be a positive number')
  return { podUid, container, signal: signal as NodeJS.Signals | number, ...(pid !== undefined && { pid: pid as number }) }
}

export const wherryRoutes = ({ machine, workers, sampler }: WherryRouteParts): readonly Route[] => [
  csiRoute(machine),
  {
    methods: ['GET'], path: '/wherry/heal',
    async answer({ query, signal }, response) {
      if (watches(query)) await answerStream(response, lineType, asLines(machine.heal.watch(signal)))
      else answerJson(response, machine.heal.history())
    },
  },
  {
    methods: ['GET'], path: '/wherry/usage',
    async answer({ query, signal }, response) {
      if (watches(query)) { await answerStream(response, lineType, asLines(sampler.watch(signal))); return }
      const sample = await sampler.fresh()
      const once = new AbortController()
      for await (const line of sampler.watch(AbortSignal.any([signal, once.signal]))) {
        if (line.at !== sample.at.toISOString()) continue
        answerJson(response, line)
        once.abort()
        return
      }
    },
  },
  {
    methods: ['GET'], path: '/wherry/processes',
    async answer({ query }, response) {
      const pod = workers.get(query.get('podUid') ?? '')
      if (!pod) throw new HttpError(404, `no pod with uid ${JSON.stringify(query.get('podUid') ?? '')} on this node`)
      answerJson(response, await processesOf(machine.runtime, pod))
    },
  },
  {
    methods: ['POST'], path: '/wherry/signal',
    async answer({ request }, response) {
      const { podUid, container, signal, pid } = await readOrder(request)
      if (!workers.get(podUid)) throw new HttpError(404, `no pod with uid ${JSON.stringify(podUid)} on this node`)
      await machine.runtime.signalContainer(podUid, container, signal, pid)
      answerJson(response, { status: 'Success' })
    },
  },
]
