/** Static pods: every manifest of a directory, read again when the directory changes. Mirrors pkg/kubelet/config/file.go. */
import { type FSWatcher, watch } from 'node:fs'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Clock } from '../../../src/api/clock.ts'
import { timestamp } from '../../../src/api/clock.ts'
import type { Pod } from '../../../src/api/types.ts'
import type { Log } from '../../../src/client/component.ts'
import { Wakeable } from '../wakeable.ts'
import { ManifestError, parseManifest } from './manifest.ts'

export interface StaticPodOptions { directory: string; nodeName: string; clock: Clock; log: Log }

// Besides the kernel's word, which can be lost when its queue overflows: upstream's fileCheckFrequency.
const rescanMilliseconds = 20_000
// A file that is being written tells several times; one look after that is enough.
const settleMilliseconds = 20

/** Calls `changed` with all pods, at the beginning and whenever they change, until `signal` aborts. A file that cannot be used is logged and left out; the others stay. */
export const watchStaticPods = async ({ directory, nodeName, clock, log }: StaticPodOptions, changed: (pods: readonly Pod[]) => void, signal: AbortSignal): Promise<void> => {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const wake = new Wakeable(clock)
  const known = new Map<string, { text: string; pod: Pod | undefined }>()
  let published = ''

  const parse = (file: string, text: string): Pod | undefined => {
    try {
      return parseManifest(text, { file, nodeName, seen: timestamp(clock.now()) })
    } catch (error) {
      if (!(error instanceof ManifestError)) throw error
      log.error(`static pod manifest is not used: ${error.message}`, { file })
      return undefined
    }
  }

  const scan = async (): Promise<void> => {
    const names = (await readdir(directory, { withFileTypes: true })).filter((entry) => !entry.name.startsWith('.') && !entry.isDirectory()).map(({ name }) => name).sort()
    for (const name of [...known.keys()]) if (!names.includes(name)) known.delete(name)
    for (const name of names) {
      const file = path.join(directory, name)
      const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') log.error('static pod manifest cannot be read', { file, error: error.message })
        return undefined
      })
      if (text !== undefined && known.get(name)?.text !== text) known.set(name, { text, pod: parse(file, text) })
    }
    const pods = withoutDuplicates([...known].flatMap(([name, { pod }]) => (pod ? [{ name, pod }] : [])), (message) => log.error(message))
    const version = pods.map(({ metadata }) => metadata.uid).join()
    if (published === `=${version}`) return
    published = `=${version}`
    changed(pods)
  }

  const watcher = startWatching(directory, () => wake.notifyIn(settleMilliseconds), log)
  try {
    for (;;) {
      await scan().catch((error: unknown) => log.error('cannot read static pod directory', { directory, error: String(error) }))
      wake.notifyIn(rescanMilliseconds)
      await wake.next(signal)
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    watcher?.close()
  }
}

const startWatching = (directory: string, changed: () => void, log: Log): FSWatcher | undefined => {
  try {
    const watcher = watch(directory, changed)
    watcher.on('error', (error) => log.warn('static pod directory is not watched any more, only looked at from time to time', { directory, error: error.message }))
    return watcher
  } catch (error) {
    log.warn('static pod directory cannot be watched, only looked at from time to time', { directory, error: String(error) })
    return undefined
  }
}

/** Two files for one pod: the first by name counts, the other is told about. */
const withoutDuplicates = (found: readonly { name: string; pod: Pod }[], complain: (message: string) => void): Pod[] => {
  const byName = new Map<string, string>()
  return found.flatMap(({ name, pod }) => {
    const key = `${pod.metadata.namespace ?? ''}/${pod.metadata.name}`
    const before = byName.get(key)
    if (before !== undefined) complain(`static pod manifest ${name} is not used: ${before} already defines pod ${key}`)
    else byName.set(key, name)
    return before === undefined ? [pod] : []
  })
}
