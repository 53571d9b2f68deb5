/** What concerns single pods: their logs, commands in them, their ports. Mirrors pkg/kubelet/server/server.go. */
import { existsSync } from 'node:fs'
import type { Pod } from '../../../src/api/types.ts'
import { openLog } from '../container-log.ts'
import { containerIdOf } from '../container-status.ts'
import { findContainer, isStaticPod } from '../pod.ts'
import type { Machine } from '../pod-run.ts'
import { containerLogPath } from '../prepare-container.ts'
import type { PodWorkers } from '../pod-workers.ts'
import { LogOptionError, logOptions } from './log-options.ts'
import { forwardedPorts, servePortForward } from './port-forward.ts'
import { readLog } from './read-log.ts'
import { remoteOptions, serveRemote } from './remote-command.ts'
import { answerStream, answerText, HttpError, type Route, type RouteRequest } from './route.ts'
import { attemptOfLog, containerOfLog, LogRefusal } from './which-log.ts'

export type PodRouteParts = { machine: Machine; workers: PodWorkers }

/** By name; a static pod is also found by its mirror's name, which is the same. */
const findPod = ({ workers }: PodRouteParts, { namespace, pod: name, uid }: Readonly<Record<string, string>>): Pod => {
  const found = workers.list().filter(({ metadata }) => metadata.namespace === namespace && metadata.name === name)
  const pod = (uid ? found.find(({ metadata }) => metadata.uid === uid || metadata.annotations?.['kubernetes.io/config.hash'] === uid) : undefined) ?? found.find(isStaticPod) ?? found[0]
  if (!pod) throw new HttpError(404, `pod ${JSON.stringify(name ?? '')} not found in namespace ${JSON.stringify(namespace ?? '')}`)
  return pod
}

/** exec, attach and port forwarding have words of their own for it. */
const conversationPod = (parts: PodRouteParts, at: Readonly<Record<string, string>>): Pod => {
  try { return findPod(parts, at) } catch { throw new HttpError(404, 'pod does not exist') }
}

const checkContainer = (pod: Pod, name: string | undefined): string => {
  if (!name || !findContainer(pod, name)) throw new HttpError(404, `container ${JSON.stringify(name ?? '')} not found in pod ${JSON.stringify(pod.metadata.name)}`)
  return name
}

/** Upstream looks among the containers that run, and says the same of one that has ended as of one that never was. */
const runningContainer = async ({ machine }: PodRouteParts, { metadata: { uid } }: Pod, name: string): Promise<string> => {
  if ((await machine.runtime.listContainers(uid)).some((each) => each.name === name && each.state === 'running')) return name
  throw new HttpError(500, `container not found (${JSON.stringify(name)})`)
}

/** What cannot be read is refused before an answer begins. There may be no file yet. */
const checkLog = async (file: string): Promise<void> => {
  try {
    await (await openLog(file)).close()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT') throw new LogRefusal(`failed to open log file ${JSON.stringify(file)}: ${message}`)
  }
}

/** After a restart of the machine the runtime knows nothing of what ran before, but the logs are there. */
const earlierLog = (machine: Machine, pod: Pod, { name, attempt }: { name: string; attempt: number | undefined }): string | undefined => {
  const file = attempt === undefined ? undefined : containerLogPath(machine, pod, { name, attempt })
  return file !== undefined && existsSync(file) ? file : undefined
}

const logs = (parts: PodRouteParts): Route => ({
  methods: ['GET'], path: '/containerLogs/:namespace/:pod/:container',
  async answer({ at, query, signal }, response) {
    const { machine } = parts
    const pod = findPod(parts, at)
    const container = checkContainer(pod, at['container'])
    try {
      const options = logOptions(query, machine.clock.now())
      const status = machine.statuses.get(pod.metadata.uid) ?? pod.status ?? {}
      const id = containerOfLog(pod.metadata.name, status, container, options.previous)
      const find = async () => (await machine.runtime.listContainers(pod.metadata.uid)).find((state) => containerIdOf(state) === id)
      const state = await find()
      const file = state ? state.logPath : earlierLog(machine, pod, { name: container, attempt: attemptOfLog(status, container, id) })
      if (!file) throw new LogRefusal(`failed to try resolving symlinks in path: the log of container ${JSON.stringify(container)} is gone`)
      await checkLog(file)
      const lines = readLog({
        file, clock: machine.clock, isRunning: async () => (await find())?.state === 'running',
        onExit(heard) {
          const hear = ({ podUid }: { podUid: string }): void => { if (podUid === pod.metadata.uid) heard() }
          machine.heard.add(hear)
          return () => machine.heard.delete(hear)
        },
      }, options, signal)
      await answerStream(response, 'text/plain', lines)
    } catch (error) {
      if (error instanceof LogOptionError) throw new HttpError(422, error.message)
      if (error instanceof LogRefusal) throw new HttpError(400, error.message)
      throw error
    }
  },
})

const remote = (parts: PodRouteParts, path: string, attach: boolean): Route => ({
  methods: ['GET', 'POST'], path,
  async answer(_, response) { answerText(response, 'Upgrade request required: exec and attach speak WebSocket (v5.channel.k8s.io)', { code: 400 }); return Promise.resolve() },
  async upgrade({ at, query }: RouteRequest, accept) {
    const pod = conversationPod(parts, at)
    const container = await runningContainer(parts, pod, at['container'] ?? '')
    const options = remoteOptions(query)
    if (!attach && options.command.length === 0) throw new HttpError(400, 'you must specify at least 1 command')
    if (!options.stdin && !options.stdout && !options.stderr) throw new HttpError(400, 'you must specify at least 1 of stdin, stdout, stderr')
    await serveRemote(parts.machine.runtime, { podUid: pod.metadata.uid, container }, { channels: await accept(), options, attach })
  },
})

const portForward = (parts: PodRouteParts, path: string): Route => ({
  methods: ['GET', 'POST'], path,
  async answer(_, response) { answerText(response, 'Upgrade request required: port forwarding speaks WebSocket (v5.channel.k8s.io)', { code: 400 }); return Promise.resolve() },
  async upgrade({ at, query }, accept) {
    const pod = conversationPod(parts, at)
    let ports: number[]
    try { ports = forwardedPorts(query) } catch (error) { throw new HttpError(400, error instanceof Error ? error.message : String(error)) }
    await servePortForward(parts.machine.runtime, pod.metadata.uid, await accept(), ports)
  },
})

export const podRoutes = (parts: PodRouteParts): readonly Route[] => [
  logs(parts),
  remote(parts, '/exec/:namespace/:pod/:container', false), remote(parts, '/exec/:namespace/:pod/:uid/:container', false),
  remote(parts, '/attach/:namespace/:pod/:container', true), remote(parts, '/attach/:namespace/:pod/:uid/:container', true),
  portForward(parts, '/portForward/:namespace/:pod'), portForward(parts, '/portForward/:namespace/:pod/:uid'),
]
