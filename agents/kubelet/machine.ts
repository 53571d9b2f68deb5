/** Puts together what all pods' workers share. */
import { readFileSync } from 'node:fs'
import { availableParallelism, hostname } from 'node:os'
import path from 'node:path'
import { Nodes, Pods } from '../../src/api/kinds.ts'
import type { Node, Pod, Service } from '../../src/api/types.ts'
import { type EventRecorder, eventSink, type Occurrence } from '../../src/client/events.ts'
import type { InformerContext } from '../../src/client/reflector.ts'
import { csi } from './csi/csi.ts'
import { parseResolvConf } from './dns-config.ts'
import { healLog } from './heal.ts'
import { runHook } from './hooks.ts'
import { hostImage } from './image.ts'
import { cpuManager } from './cpu-manager/manager.ts'
import { deviceManager } from './devices/manager.ts'
import { credentialMetrics } from './images/credential-provider/metrics.ts'
import { execPlugin } from './images/credential-provider/plugin.ts'
import { credentialProviders } from './images/credential-provider/providers.ts'
import { imageManager } from './images/image-manager.ts'
import type { MachineFacts } from './machine-facts.ts'
import type { KubeletOptions } from './options.ts'
import { describePod, fieldPathOf } from './pod.ts'
import { rateLimit } from './rate-limit.ts'
import { podRecords } from './pod-record.ts'
import type { Machine } from './pod-run.ts'
import { runProbe } from './prober/probe.ts'
import { prober, type ProbeNews } from './prober/prober.ts'
import { references } from './references.ts'
import { checkRuntimeClass } from './runtime-class.ts'
import { spares } from './spares.ts'
import { statusManager } from './status-manager.ts'
import { turns } from './turns.ts'
import { systemMounter } from './volumes/mounter.ts'
import { tokenManager } from './volumes/tokens.ts'
import { volumes } from './volumes/volumes.ts'

export interface MachineParts {
  options: KubeletOptions
  facts: MachineFacts
  /** undefined: no API server. */
  context: InformerContext | undefined
  services(): readonly Service[] | undefined
  allocatable(): Readonly<Record<string, string>>
  wake(podUid: string): void
  refresh(podUid: string): void
  pressures(): readonly string[]
  isShuttingDown(): boolean
  /** This node as the API server has it. */
  node(): Node | undefined
  /** What the node's status shows of volumes, or of devices, has changed. */
  statusChanged(): void
  /** A driver of volumes has come. */
  driverRegistered(): void
}

/** An armed spare costs its shim and a process that waits: this much memory is reckoned for each, of a fiftieth of the machine's. */
const spareBytes = 2 * 1024 * 1024
const spareShare = 50

export const machine = (parts: MachineParts, signal: AbortSignal): Machine => {
  const { options, facts, context } = parts
  const { clock, random, log, runtime, nodeIP } = options
  const sink = context && eventSink({ ...context, pauseMilliseconds: options.eventPauseMilliseconds }, signal).from('kubelet', options.nodeName)
  const mayTell = options.eventRate && rateLimit(options.eventRate, clock)
  const recorder: EventRecorder | undefined = sink && (mayTell ? { record: (...what) => { if (mayTell()) sink.record(...what) } } : sink)
  const record = (pod: Pod, what: Occurrence): void => {
    if (recorder) recorder.record(Pods, pod, what)
    else log.info(`event: ${what.reason}: ${what.message}`, { pod: describePod(pod) })
  }
  // As upstream's reference to a node: its name stands for its uid.
  const reference = { apiVersion: 'v1', kind: 'Node', metadata: { name: options.nodeName, uid: options.nodeName, resourceVersion: '', creationTimestamp: '' } }
  const recordNode = (what: Occurrence): void => {
    if (recorder) recorder.record(Nodes, reference, what)
    else log.info(`event: ${what.reason}: ${what.message}`, { node: options.nodeName })
  }
  const heal = healLog(clock)
  const probes = prober({ clock, run: runProbe(runtime), tell: (news) => tellProbe({ news, record, heal, wake: parts.wake }) })
  const statuses = statusManager({ client: options.client, clock, random, log }, signal)
  const known = references(context, parts.refresh, signal)
  const mounter = options.mounter ?? systemMounter
  const tokens = tokenManager(options.client, clock)
  const cpus = cpuManager({ settings: options.cpuManager, directory: options.dataDirectory, runtime, clock, log })
  const devices = deviceManager({ directory: options.dataDirectory, clock, log, changed: parts.statusChanged, refresh: parts.wake })
  const { providers, directory: plugins } = options.credentialProviders ?? {}
  const credentials = providers && plugins !== undefined ? credentialProviders({ providers, ask: execPlugin(plugins), client: options.client, tokens, clock, log }) : undefined
  const drivers = csi({ options, bootID: facts.bootID, context, mounter, tokens, devices, node: parts.node, changed: parts.statusChanged, registered: parts.driverRegistered, record: (kind, object, what) => recorder?.record(kind, object, what) }, signal)
  return {
    nodeName: options.nodeName, hostIPs: [nodeIP], memoryCapacityBytes: facts.memoryBytes, directory: options.dataDirectory, seccompDefault: options.seccompDefault ?? false, appArmor: facts.appArmor ?? false, ...(facts.ownUsers && { ownUsers: facts.ownUsers }), allowedUnsafeSysctls: options.allowedUnsafeSysctls ?? [], logDirectory: options.podLogsDirectory ?? path.join(options.dataDirectory, 'logs'), maxRestartBackOffMilliseconds: options.maxRestartBackOffMilliseconds,
    clock, log, runtime, prober: probes, hook: runHook(runtime, clock), statuses, heal,
    volumes: volumes({ directory: options.dataDirectory, memoryDirectory: options.memoryDirectory, mounter, tokens, csi: drivers.volumes, clock, node: () => parts.node() }), csi: drivers,
    images: imageManager({ images: options.images ?? hostImage, registries: options.registries, clock, log, ...(credentials && { credentialProviders: credentials }), ...(options.neverVerifyImages && { neverVerify: true }), ...(options.pullRate && { mayPull: rateLimit(options.pullRate, clock) }), ...(options.maxParallelPulls && { maxParallelPulls: options.maxParallelPulls }), secret: known.secret, wake: parts.wake }),
    references: known, records: podRecords(path.join(options.dataDirectory, 'records')),
    turns: turns(2 * availableParallelism(), clock),
    spares: spares(options.maxSpares ?? Math.floor(facts.memoryBytes / spareShare / spareBytes)),
    services: parts.services, allocatable: parts.allocatable, pressures: parts.pressures, isShuttingDown: parts.isShuttingDown, record, recordNode, heard: new Set(),
    ownMetrics: () => `${credentialMetrics(credentials?.usage() ?? [])}${cpus.metrics()}${devices.metrics()}`, cpus, devices,
    networkProblem: () => (options.network && !options.network.isReady() ? 'the node has no pod range yet (spec.podCIDR)' : undefined),
    checkRuntimeClass: (pod, stop) => checkRuntimeClass(options.client, pod, stop),
    sandboxFacts: () => Promise.resolve({
      podPidsLimit: options.podPidsLimit, hostname: hostname(), clusterDNS: options.clusterDNS, clusterDomain: options.clusterDomain,
      hostResolvConf: parseResolvConf(textOf(options.resolvConfFile ?? '/etc/resolv.conf')),
      hostHosts: textOf(options.hostsFile ?? '/etc/hosts'),
    }),
  }
}

/** A machine without such a file is one with an empty one. */
const textOf = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

const words = { startup: 'Startup', liveness: 'Liveness', readiness: 'Readiness' } as const

interface ProbeTelling { news: ProbeNews; record: Machine['record']; heal: Machine['heal']; wake(podUid: string): void }

/** What a probe says goes to events, to the heal log, and wakes the pod's worker. */
const tellProbe = ({ news: { pod, each, state, kind, what, outcome }, record, heal, wake }: ProbeTelling): void => {
  const at = { podUid: pod.metadata.uid, podNamespace: pod.metadata.namespace ?? '', podName: pod.metadata.name, container: state.name, attempt: state.attempt }
  if (what === 'run') heal.add({ ...at, phase: 'probing', message: kind })
  if (what === 'failed' && outcome) {
    const message = outcome.result === 'unknown' ? `${words[kind]} probe errored and resulted in unknown state: ${outcome.output}`
      : outcome.result === 'warning' ? `${words[kind]} probe warning: ${outcome.output}` : `${words[kind]} probe failed: ${outcome.output}`
    record(pod, { type: 'Warning', reason: outcome.result === 'warning' ? 'ProbeWarning' : 'Unhealthy', message, fieldPath: fieldPathOf(each) })
  }
  if (what === 'verdict') wake(pod.metadata.uid)
}
