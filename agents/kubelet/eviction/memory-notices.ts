/**
 * The kernel's word that memory may be short, so that nobody has to wait for the next look. With cgroup version 1 when usage crosses what the thresholds leave (pkg/kubelet/eviction/threshold_notifier_linux.go);
 * with version 2, which knows no such thing, when tasks stall for memory (PSI), or pods come to the limit of the node's cgroup (memory.events). What cannot be had is looked for from time to time, as ever.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, type FSWatcher, watch } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Log } from '../../../src/client/component.ts'
import { memoryRequest, usageLine } from '../machine-code/memory-watcher.ts'

export interface MemoryNotices {
  /** `slackBytes`: how much more can be taken before the nearest threshold is met. Call after each look. */
  arm(slackBytes: number): Promise<void>
  close(): void
}

export interface MemoryNoticesOptions {
  /** machine-code/memory-watcher.ts, as a file. */
  program: string
  log: Log
  /** Counts of the node's cgroup; undefined: there are none. */
  memoryEvents: string | undefined
  pressed(): void
  /** Where the kernel has what. */
  places?: { usage: string; control: string; pressure: string }
}

const machinePlaces = { usage: '/sys/fs/cgroup/memory/memory.usage_in_bytes', control: '/sys/fs/cgroup/memory/cgroup.event_control', pressure: '/proc/pressure/memory' }
/** Some task has waited for memory for 150 ms within two seconds, the shortest time that every root may ask for. The kernel overwrites the last character. */
const stallTrigger = 'some 150000 2000000\n'
/** The kernel itself counts in batches. */
const enoughBytes = 4 * 2 ** 20

export const memoryNotices = ({ program, log, memoryEvents, pressed, places = machinePlaces }: MemoryNoticesOptions): MemoryNotices => {
  let child: ChildProcess | undefined
  let armedAt: number | undefined
  let closed = false
  const failed = (why: string): void => {
    if (closed) return
    closed = true
    child = undefined
    log.debug('the kernel tells nothing of memory that is short', { why })
  }
  const ask = (request: Buffer): void => {
    if (closed) return
    if (!child) {
      child = spawn(program, [], { stdio: ['pipe', 'pipe', 'ignore'], env: {}, cwd: '/' })
      child.on('error', (error) => failed(error.message))
      child.on('exit', (code) => failed(`it ended with ${code ?? 'a signal'}`))
      child.stdin?.on('error', () => {}) // its end is told by `exit`
      child.stdout?.on('data', () => {
        // What has been told is not told again.
        armedAt = undefined
        pressed()
      })
    }
    child.stdin?.write(request)
  }
  const watchEvents = (file: string): FSWatcher | undefined => {
    try { return watch(file, pressed).on('error', (error) => log.debug('memory.events is not watched any more', { error: error.message })) } catch (error) { log.debug('cannot watch memory.events', { error: String(error) }); return undefined }
  }
  const watcher = memoryEvents === undefined ? undefined : watchEvents(memoryEvents)
  const [counts, stalls] = [existsSync(places.control), existsSync(places.pressure)]
  if (!existsSync(program)) failed('no such program is known for this machine')
  else if (!counts && stalls) ask(memoryRequest({ control: places.pressure, line: stallTrigger, usage: '' }))
  return {
    async arm(slackBytes) {
      if (!counts || closed) return
      // Whatever else takes memory: when usage has grown by the slack, it is gone.
      const at = Number(await readFile(places.usage, 'utf8')) + slackBytes
      if (armedAt !== undefined && Math.abs(at - armedAt) < enoughBytes) return
      armedAt = at
      ask(memoryRequest({ control: places.control, line: usageLine(at), usage: places.usage }))
    },
    close() {
      closed = true
      watcher?.close()
      child?.stdin?.end()
    },
  }
}
