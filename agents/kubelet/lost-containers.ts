/** Containers that ran once and of which the runtime knows nothing any more, because the machine was started anew. */
import type { ContainerStateTerminated, ContainerStatus, Pod } from '../../src/api/types.ts'
import { currentOf, type Observed } from './observed.ts'
import { containerRecord, type PodRecord } from './pod-record.ts'
import { containersOf, statusesOf } from './pod.ts'
import type { ContainerState } from './runtime/runtime.ts'

export interface LostFacts {
  now: Date
  /** Where the log of an attempt was written: it outlives the machine's restart. */
  logPath(container: string, attempt: number): string
}

/** How this attempt ended, where that had been told before: a container that has ended is not lost. While the next attempt waits, the last state is this one's. */
const endOf = (status: ContainerStatus | undefined, attempt: number): ContainerStateTerminated | undefined =>
  status?.restartCount === attempt ? status.state?.terminated ?? (status.state?.waiting ? status.lastState?.terminated : undefined) : undefined

const remembered = (ended: ContainerStateTerminated, { image, imageID }: ContainerStatus): Partial<ContainerState> => {
  const date = (text: string | undefined): Date | undefined => (text === undefined ? undefined : new Date(text))
  const id = ended.containerID?.replace(/^wherry:\/\//, '')
  return {
    ...(id && { id }), exitCode: ended.exitCode, signal: ended.signal, oomKilled: ended.reason === 'OOMKilled', reason: ended.reason, message: ended.message,
    startedAt: date(ended.startedAt), finishedAt: date(ended.finishedAt), shownImage: { name: image, id: imageID },
  }
}

/** Those that ran count as ended, nobody knows how; those that had ended are what they were. Pure. */
export const lostContainers = (pod: Pod, { record, observed }: { record: PodRecord; observed: Observed }, { now, logPath }: LostFacts): ContainerState[] => containersOf(pod).flatMap(({ container: { name } }) => {
  const { attempts, purged } = containerRecord(record, name)
  if (attempts === 0 || purged || currentOf(observed, name)) return []
  const attempt = attempts - 1
  const status = statusesOf(pod.status ?? {}).find((each) => each.name === name)
  const ended = endOf(status, attempt)
  return [{
    podUid: pod.metadata.uid, name, attempt, id: `${pod.metadata.uid}-${name}-${attempt}`, state: 'exited', pid: undefined, createdAt: now, startedAt: undefined, finishedAt: now,
    exitCode: 137, signal: undefined, oomKilled: false, reason: 'ContainerStatusUnknown', message: 'The container could not be located after a restart of the machine', imageRef: '', logPath: logPath(name, attempt),
    ...(ended && status && remembered(ended, status)),
  } satisfies ContainerState]
})
