/** `wherry kubelet`: flags as kubelet's. It starts without an API server: static pods are how the API server itself comes up. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { systemClock } from '../../api/clock.ts'
import { systemRandom } from '../../api/random.ts'
import { podNetwork, type PodNetwork } from '../../../agents/kubelet/network/pod-network.ts'
import { loadedImages } from '../../../agents/kubelet/images/loaded-images.ts'
import { defaultGarbagePolicy, type GarbagePolicy } from '../../../agents/kubelet/images/garbage.ts'
import { imageStore } from '../../../agents/kubelet/images/image-store.ts'
import { registries } from '../../../agents/kubelet/images/registries.ts'
import { kubelet } from '../../../agents/kubelet/kubelet.ts'
import type { KubeletOptions } from '../../../agents/kubelet/options.ts'
import { type LogLimits, logLimits } from '../../../agents/kubelet/runtime/logs/log-file.ts'
import { processRuntime, type ProcessRuntime } from '../../../agents/kubelet/runtime/process-runtime.ts'
import type { Taint } from '../../api/types.ts'
import { allowedSysctlProblem } from '../../../agents/kubelet/sysctls.ts'
import type { Client } from '../../client/client.ts'
import type { Component, Log } from '../../client/component.ts'
import { parseFlags, type Flags } from '../flags.ts'
import { UserError } from '../user-error.ts'
import { kubernetesVersion } from '../version.ts'
import { type KubeletConfiguration, parseKubeletConfiguration } from './kubelet-configuration.ts'
import type { NodeSettings } from './kubelet-settings.ts'
import { credentialProviderFlags, credentialProvidersOf } from './credential-providers.ts'
import { pullByProcess } from './image-puller.ts'
import { accessByFile, clientParts, eventPauseMilliseconds } from './client-parts.ts'

/** Where kube-proxy answers on every node. */
const proxyPort = 10_256

export const kubeletFlags = ['kubeconfig', 'server', 'node-name', 'node-ip', 'root-dir', 'state-dir', 'cluster-dir', 'image-dir', 'cluster-id', 'cluster-dns', 'cluster-domain', 'cluster-cidr', 'tls-cert-file', 'tls-private-key-file', 'client-ca-file',
  'port', 'pod-manifest-path', 'node-labels', 'register-with-taints', 'max-pods', 'provider-id', 'config', 'seccomp-default', 'allowed-unsafe-sysctls', 'pod-max-pids', 'serialize-image-pulls', 'max-parallel-image-pulls', 'image-gc-high-threshold', 'image-gc-low-threshold', ...credentialProviderFlags]

const labelsOf = (text: string | undefined): Record<string, string> =>
  Object.fromEntries((text ?? '').split(',').filter(Boolean).map((pair) => { const at = pair.indexOf('='); return at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)] }))

/** `key=value:Effect` or `key:Effect`, comma separated. */
const taintsOf = (text: string | undefined): Taint[] => (text ?? '').split(',').filter(Boolean).map((each) => {
  const [, key = '', value, effect = ''] = /^([^=:]+)(?:=([^:]*))?:(NoSchedule|PreferNoSchedule|NoExecute)$/.exec(each) ?? []
  if (!key) throw new UserError(`wherry kubelet: --register-with-taints: ${JSON.stringify(each)} must look like key=value:NoSchedule`, 2)
  return { key, ...(value && { value }), effect }
})

const sysctlsOf = (text: string | undefined): string[] => {
  const allowed = (text ?? '').split(',').filter(Boolean)
  const problem = allowed.map(allowedSysctlProblem).find((each) => each !== undefined)
  if (problem !== undefined) throw new UserError(`wherry kubelet: --allowed-unsafe-sysctls: ${problem}`, 2)
  return allowed
}

/** As upstream's --serialize-image-pulls and --max-parallel-image-pulls go together. */
const parallelPulls = (flags: Flags): number | undefined => {
  if (!flags.has('serialize-image-pulls') && !flags.has('max-parallel-image-pulls')) return undefined
  const serialize = flags.get('serialize-image-pulls') ?? 'true'
  if (serialize !== 'true' && serialize !== 'false') throw new UserError(`wherry kubelet: --serialize-image-pulls must be true or false, not ${JSON.stringify(serialize)}`, 2)
  const most = flags.number('max-parallel-image-pulls', 0)
  if (serialize === 'true' && most > 1) throw new UserError('wherry kubelet: --max-parallel-image-pulls above 1 needs --serialize-image-pulls=false', 2)
  return serialize === 'true' ? 1 : most || Infinity
}

type Configured = Pick<KubeletOptions, 'eviction' | 'shutdown' | 'reserved' | 'seccompDefault' | 'podPidsLimit' | 'allowedUnsafeSysctls'> & NodeSettings['options']

const readConfiguration = async (flags: Flags): Promise<KubeletConfiguration | undefined> => {
  const file = flags.get('config')
  if (file === undefined) return undefined
  const text = await readFile(file, 'utf8').catch((error: Error) => { throw new UserError(`wherry kubelet: --config: cannot read ${file}: ${error.message}`, 2) })
  return parseKubeletConfiguration(text, file)
}

type RuntimeSettings = { logLimits?: LogLimits; pinsCpus?: boolean }

/** What the runtime is told of the configuration: how long logs of containers get, and whether CPUs are given away. */
export const runtimeSettingsOf = async (flags: Flags): Promise<RuntimeSettings> => {
  const settings = (await readConfiguration(flags))?.settings
  return { logLimits: logLimits(settings?.logLimits), ...(settings?.options.cpuManager && { pinsCpus: true }) }
}

const configured = async (flags: Flags): Promise<Configured> => {
  const configuration = await readConfiguration(flags)
  if (!configuration) return {}
  const { eviction, graces, reserved, security, settings } = configuration
  return { eviction, shutdown: { graces }, reserved, ...security, ...settings.options }
}

const isTrue = (flags: Flags, name: string): boolean => {
  const value = flags.get(name)
  if (value !== 'true' && value !== 'false') throw new UserError(`wherry kubelet: --${name} must be true or false, not ${JSON.stringify(value ?? '')}`, 2)
  return value === 'true'
}

const garbagePolicy = (flags: Flags, configured: GarbagePolicy): GarbagePolicy => {
  const highPercent = flags.number('image-gc-high-threshold', configured.highPercent)
  const lowPercent = flags.number('image-gc-low-threshold', configured.lowPercent)
  if (highPercent > 100) throw new UserError(`wherry kubelet: --image-gc-high-threshold must be between 0 and 100, inclusive, not ${highPercent}`, 2)
  if (lowPercent >= highPercent) throw new UserError(`wherry kubelet: --image-gc-low-threshold (${lowPercent}) must be less than --image-gc-high-threshold (${highPercent})`, 2)
  return { ...configured, highPercent, lowPercent }
}

const imageOptions = (flags: Flags, configured: Configured): Pick<KubeletOptions, 'images' | 'registries' | 'credentialProviders' | 'maxParallelPulls' | 'imageDirectory' | 'imageStore' | 'imageGarbagePolicy'> => {
  const directory = flags.get('image-dir')
  if (directory === undefined) return {}
  const maxParallelPulls = parallelPulls(flags) ?? configured.maxParallelPulls
  const credentialProviders = credentialProvidersOf(flags)
  return { images: loadedImages(directory), registries: registries({ directory, owner: flags.need('node-name'), pull: pullByProcess, homeDirectory: process.env['HOME'] }), ...(maxParallelPulls !== undefined && { maxParallelPulls }), ...(credentialProviders && { credentialProviders }),
    imageDirectory: directory, imageStore: imageStore(directory, path.dirname(flags.need('state-dir'))), imageGarbagePolicy: garbagePolicy(flags, configured.imageGarbagePolicy ?? defaultGarbagePolicy) }
}

export interface NodeParts { runtime: ProcessRuntime; network: PodNetwork }

/** Runtime and network of this node, with whatever ran here before adopted. */
export const nodeParts = async (flags: Flags, log: Log, settings: RuntimeSettings = {}): Promise<NodeParts> => {
  const [clusterId, nodeName] = [flags.need('cluster-id'), flags.need('node-name')]
  const network = podNetwork({ clusterId, nodeName, directory: path.join(flags.need('root-dir'), 'network'), log, clock: systemClock })
  const runtime = await processRuntime({
    ...settings,
    clusterId, nodeName, network, log, clock: systemClock, random: systemRandom, cgroupRoot: '/', stateDirectory: flags.need('state-dir'), dataDirectory: flags.need('root-dir'),
    hiddenDirectories: [flags.get('cluster-dir')].filter((each) => each !== undefined),
  })
  return { runtime, network }
}

export const kubeletOf = async (flags: Flags, { client, log, parts: { runtime, network } }: { client: Client; log: Log; parts: NodeParts }): Promise<Component> => {
  const [cert, key, clientCA] = await Promise.all(['tls-cert-file', 'tls-private-key-file', 'client-ca-file'].map((name) => readFile(flags.need(name), 'utf8')))
  const clusterCIDR = flags.get('cluster-cidr') ?? '10.244.0.0/16'
  const settings = await configured(flags)
  const dns = (flags.get('cluster-dns') ?? '').split(',').filter(Boolean)
  const options: KubeletOptions = {
    maxPods: 110, taints: [], eventPauseMilliseconds,
    ...settings,
    nodeName: flags.need('node-name'), nodeIP: flags.need('node-ip'), client, runtime, clock: systemClock, random: systemRandom, log,
    network: { configure: (podCIDR) => network.configure({ podCIDR, clusterCIDR }), isReady: () => network.isReady() },
    staticPodDirectory: flags.get('pod-manifest-path'), dataDirectory: flags.need('root-dir'), memoryDirectory: path.join(flags.need('state-dir'), 'volumes'),
    ...imageOptions(flags, settings), proxyPort,
    // Whoever made the cluster always says one; a node's own stands above that.
    clusterDNS: settings.clusterDNS ?? dns, clusterDomain: settings.clusterDomain ?? flags.get('cluster-domain') ?? 'cluster.local',
    server: { port: flags.number('port', 10_250), cert: cert ?? '', key: key ?? '', clientCA: clientCA ?? '' },
    ...(flags.has('max-pods') && { maxPods: flags.number('max-pods', 110) }), labels: labelsOf(flags.get('node-labels')), ...(flags.has('register-with-taints') && { taints: taintsOf(flags.get('register-with-taints')) }), ...(flags.get('provider-id') && { providerID: flags.need('provider-id') }), version: kubernetesVersion,
    ...(flags.has('seccomp-default') && { seccompDefault: isTrue(flags, 'seccomp-default') }), ...(flags.has('allowed-unsafe-sysctls') && { allowedUnsafeSysctls: sysctlsOf(flags.get('allowed-unsafe-sysctls')) }), ...(flags.has('pod-max-pids') && { podPidsLimit: flags.number('pod-max-pids', 0) }),
  }
  return guarded(kubelet(options), network, log)
}

/** The kubelet, and the rules of its pods' network kept as they should be. */
const guarded = (component: Component, network: PodNetwork, log: Log): Component => ({ ...component, run: async (signal) => {
  const ended = new AbortController()
  const guarding = network.guard(AbortSignal.any([signal, ended.signal])).catch((error: unknown) => log.warn('cannot be told when rules of the pod network are removed', { error: String(error) }))
  await component.run(signal).finally(() => ended.abort())
  await guarding
} })

export const runKubelet = async (args: readonly string[], signal: AbortSignal): Promise<void> => {
  const flags = parseFlags('kubelet', kubeletFlags, args)
  const { client, log } = clientParts('kubelet', accessByFile(flags.need('kubeconfig')), signal)
  const parts = await nodeParts(flags, log, await runtimeSettingsOf(flags))
  try {
    await (await kubeletOf(flags, { client, log, parts })).run(signal)
  } finally {
    parts.runtime.close()
  }
}
