/** Static pods from a URL (staticPodURL), asked for from time to time. Mirrors pkg/kubelet/config/http.go. */
import type { Clock } from '../../../src/api/clock.ts'
import { timestamp } from '../../../src/api/clock.ts'
import type { Pod } from '../../../src/api/types.ts'
import type { Log } from '../../../src/client/component.ts'
import { parseManifests } from './manifest.ts'

export interface UrlPodOptions {
  url: string
  /** Sent with each request; a name may have several values. */
  headers: Readonly<Record<string, readonly string[]>>
  checkMilliseconds: number
  nodeName: string
  clock: Clock
  log: Log
}

const timeoutMilliseconds = 10_000
const maxBytes = 10 * 2 ** 20
const loudFailures = 3

/** Calls `changed` with all pods, whenever the answer is another, until `signal` aborts. An answer that cannot be used is logged; what was wanted before stays wanted. */
export const watchUrlPods = async ({ url, headers, checkMilliseconds, nodeName, clock, log }: UrlPodOptions, changed: (pods: readonly Pod[]) => void, signal: AbortSignal): Promise<void> => {
  let known: string | undefined
  let failures = 0
  const look = async (): Promise<void> => {
    const text = await ask(url, headers, signal)
    if (text === '') {
      known = text
      changed([])
      throw new Error(`zero-length data received from ${url}`)
    }
    if (text === known) return
    known = text
    changed(parseManifests(text, { file: url, kind: 'http', nodeName, seen: timestamp(clock.now()) }))
  }
  while (!signal.aborted) {
    try {
      await look()
      if (failures > 0) log.info('Successfully read pods from URL', { url })
      failures = 0
    } catch (error) {
      if (signal.aborted) return
      if (failures < loudFailures) log.warn(`Failed to read pods from URL: ${error instanceof Error ? error.message : String(error)}`)
      else if (failures === loudFailures) log.warn('Failed to read pods from URL; not said again until it works', { url })
      failures += 1
    }
    await clock.sleep(checkMilliseconds, signal).catch((error: unknown) => { if (!signal.aborted) throw error })
  }
}

const ask = async (url: string, headers: UrlPodOptions['headers'], signal: AbortSignal): Promise<string> => {
  const list = Object.entries(headers).flatMap(([name, values]) => values.map((value): [string, string] => [name, value]))
  const answer = await fetch(url, { headers: list, signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMilliseconds)]) })
    .catch((error: unknown) => { throw new Error(`${url}: ${reasonOf(error)}`) })
  if (answer.status !== 200) {
    await answer.body?.cancel()
    throw new Error(`${url}: ${answer.status} ${answer.statusText}`)
  }
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of answer.body ?? []) {
    chunks.push(chunk)
    size += chunk.length
    if (size > maxBytes) throw new Error(`${url}: more than ${maxBytes} bytes`)
  }
  return Buffer.concat(chunks).toString()
}

/** What fetch says is in its cause. */
const reasonOf = (error: unknown): string => {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error && cause.message ? cause.message : error instanceof Error ? error.message : String(error)
}
