/** Takes the last steps of healing from this node's kube-proxy, which knows them, into the heal log: the endpoint was seen, the rules were written. */
import http from 'node:http'
import type { Clock } from '../../src/api/clock.ts'
import type { EndpointStamp } from '../../src/api/heal.ts'
import type { Random } from '../../src/api/random.ts'
import type { Pod } from '../../src/api/types.ts'
import { exponentialBackoff } from '../../src/client/backoff.ts'
import type { Log } from '../../src/client/component.ts'
import type { HealLog } from './heal.ts'

export interface EndpointStampOptions {
  /** Of kube-proxy on this machine. */
  port: number
  clock: Clock
  random: Random
  log: Log
  heal: HealLog
  pod(uid: string): Pod | undefined
}

const maxLine = 10_000

/** One step for the pod's log, with the container that last changed its readiness: that is whom it is about. Told again after a reconnect, it is passed over. */
const take = ({ heal, pod: find }: EndpointStampOptions, { podUid, service, ready, phase, monotonicMs }: EndpointStamp): void => {
  const pod = find(podUid)
  if (!pod) return
  const history = heal.history().filter((event) => event.podUid === podUid)
  const message = `${service} ${ready ? 'with' : 'without'} the pod`
  if (history.some((event) => event.phase === phase && event.monotonicMs === monotonicMs && event.message === message)) return
  const about = history.findLast((event) => event.phase === 'ready' || event.phase === 'unready') ?? history.at(-1)
  heal.add({ podUid, podNamespace: pod.metadata.namespace ?? '', podName: pod.metadata.name, container: about?.container ?? '', attempt: about?.attempt ?? 0, phase, monotonicMs, message })
}

const stampOf = (line: string): EndpointStamp | undefined => {
  try {
    const { podUid, service, ready, phase, monotonicMs } = JSON.parse(line) as Partial<Record<keyof EndpointStamp, unknown>>
    if (typeof podUid !== 'string' || typeof service !== 'string' || typeof ready !== 'boolean' || typeof monotonicMs !== 'number' || (phase !== 'endpoint' && phase !== 'rules')) return undefined
    return { podUid, service, ready, phase, monotonicMs }
  } catch { return undefined } // cut off in the middle
}

/** Resolves when the connection has ended, with whether there was one. */
const listen = async (options: EndpointStampOptions, signal: AbortSignal): Promise<boolean> => {
  const response = await new Promise<http.IncomingMessage | undefined>((resolve) => {
    http.get({ host: '127.0.0.1', port: options.port, path: '/wherry/endpoints?watch=true', signal }, resolve).on('error', () => resolve(undefined)) // no kube-proxy yet, or not any more
  })
  if (response?.statusCode !== 200) { response?.resume(); return false }
  try {
    let text = ''
    for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) {
      const lines = (text + chunk).split('\n')
      text = (lines.pop() ?? '').slice(0, maxLine)
      for (const stamp of lines.map(stampOf)) if (stamp) take(options, stamp)
    }
  } catch (error) { if (!signal.aborted) options.log.debug('kube-proxy has gone', { error: String(error) }) }
  return true
}

export const followEndpoints = async (options: EndpointStampOptions, signal: AbortSignal): Promise<void> => {
  const backoff = exponentialBackoff({ base: 1_000, cap: 30_000, random: options.random })
  while (!signal.aborted) {
    if (await listen(options, signal)) backoff.reset()
    await options.clock.sleep(backoff.next(), signal).catch(() => {}) // aborted: the loop's condition sees it
  }
}
