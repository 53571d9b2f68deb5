/** What is allowed in a pod and probably not meant: told in Warning headers. Mirrors upstream's `pkg/api/pod/warnings.go`; what our nodes cannot honour comes last. */
import type { Metadata } from '../../../api/meta.ts'
import { isDns1123Label } from '../../../api/names.ts'
import { refusalWarnings } from '../../../api/refused-fields.ts'
import { keyedLabelWarning, namedLabelWarning, nodeSelectorTermWarnings } from '../node-label-warnings.ts'
import { overlappingPathWarnings } from './overlapping-paths.ts'
import { fractionWarnings } from './persistent-volume-columns.ts'
import { formatQuantity, isValidQuantity, toMilli } from '../../../api/quantity.ts'
import type { Container, ContainerPort, EnvVar, PodSpec, PodTemplateSpec, Volume } from '../../../api/types.ts'

const oldAnnotations: ReadonlyMap<string, string> = new Map([
  ['scheduler.alpha.kubernetes.io/critical-pod', 'non-functional in v1.16+; use the "priorityClassName" field instead'],
  ['security.alpha.kubernetes.io/sysctls', 'non-functional in v1.11+; use the "sysctls" field instead'],
  ['security.alpha.kubernetes.io/unsafe-sysctls', 'non-functional in v1.11+; use the "sysctls" field instead'],
])

const oldVolumes: ReadonlyMap<keyof Volume, string> = new Map<keyof Volume, string>([
  ['photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'], ['gitRepo', 'deprecated in v1.11, and disabled by default in v1.33+'], ['scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  ['flocker', 'deprecated in v1.22, non-functional in v1.25+'], ['storageos', 'deprecated in v1.22, non-functional in v1.25+'], ['quobyte', 'deprecated in v1.22, non-functional in v1.25+'],
  ['glusterfs', 'deprecated in v1.25, non-functional in v1.26+'], ['cephfs', 'deprecated in v1.28, non-functional in v1.31+'], ['rbd', 'deprecated in v1.28, non-functional in v1.31+'],
])

const unselective = (path: string, labelSelector: unknown): string[] => (labelSelector ? [] : [`${path}.labelSelector: a null labelSelector results in matching no pod`])

const ofPlacement = (path: string, { nodeSelector, affinity, topologySpreadConstraints = [] }: PodSpec): string[] => {
  const { requiredDuringSchedulingIgnoredDuringExecution: required, preferredDuringSchedulingIgnoredDuringExecution: preferred = [] } = affinity?.nodeAffinity ?? {}
  const at = `${path}.affinity.nodeAffinity`
  return [
    ...Object.keys(nodeSelector ?? {}).flatMap((key) => keyedLabelWarning(`${path}.nodeSelector[${key}]`, key)),
    ...(required?.nodeSelectorTerms ?? []).flatMap((term, index) => nodeSelectorTermWarnings(`${at}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[${index}]`, term)),
    ...preferred.flatMap(({ preference }, index) => nodeSelectorTermWarnings(`${at}.preferredDuringSchedulingIgnoredDuringExecution[${index}].preference`, preference, { values: true })),
    ...topologySpreadConstraints.flatMap(({ topologyKey, labelSelector }, index) => [
      ...namedLabelWarning(`${path}.topologySpreadConstraints[${index}].topologyKey`, topologyKey), ...unselective(`${path}.topologySpreadConstraints[${index}]`, labelSelector),
    ]),
  ]
}

const ofPodAffinity = (path: string, { affinity }: PodSpec): string[] => (['podAffinity', 'podAntiAffinity'] as const).flatMap((name) => {
  const { requiredDuringSchedulingIgnoredDuringExecution: required = [], preferredDuringSchedulingIgnoredDuringExecution: preferred = [] } = affinity?.[name] ?? {}
  const at = `${path}.affinity.${name}`
  return [
    ...required.flatMap(({ labelSelector }, index) => unselective(`${at}.requiredDuringSchedulingIgnoredDuringExecution[${index}]`, labelSelector)),
    ...preferred.flatMap(({ podAffinityTerm }, index) => unselective(`${at}.preferredDuringSchedulingIgnoredDuringExecution[${index}].podAffinityTerm`, podAffinityTerm?.labelSelector)),
  ]
})

type Annotations = Readonly<Record<string, string>>
const has = (annotations: Annotations, key: string): boolean => Object.hasOwn(annotations, key)

/** Annotations that were fields' forerunners, where the field says nothing. `template`: AppArmor's are only told of in templates. */
const ofProfiles = (path: string, annotations: Annotations, { spec, template }: { spec: PodSpec; template: boolean }): string[] => {
  const pod = 'seccomp.security.alpha.kubernetes.io/pod'
  const all: readonly Pick<Container, 'name' | 'securityContext'>[] = [...spec.initContainers ?? [], ...spec.containers ?? [], ...spec.ephemeralContainers ?? []]
  const outdated = (key: string): string => `${path}metadata.annotations[${key}]: non-functional in v1.27+; use the "seccompProfile" field instead`
  return [
    ...(spec.securityContext?.seccompProfile === undefined && has(annotations, pod) ? [outdated(pod)] : []),
    ...all.flatMap(({ name, securityContext }) => {
      const [seccomp, appArmor] = [`container.seccomp.security.alpha.kubernetes.io/${name}`, `container.apparmor.security.beta.kubernetes.io/${name}`]
      const isConfined = spec.securityContext?.appArmorProfile !== undefined || securityContext?.appArmorProfile !== undefined
      return [
        ...(securityContext?.seccompProfile === undefined && has(annotations, seccomp) ? [outdated(seccomp)] : []),
        ...(template && !isConfined && has(annotations, appArmor) ? [`${path}metadata.annotations[${appArmor}]: deprecated since v1.30; use the "appArmorProfile" field instead`] : []),
      ]
    }),
  ]
}

/** Items whose key has stood in the list before. */
const repeated = <T>(items: readonly T[], keyOf: (item: T) => string, say: (item: T, index: number) => string): string[] => {
  const seen = new Set<string>()
  return items.flatMap((item, index) => {
    const twice = seen.has(keyOf(item))
    seen.add(keyOf(item))
    return twice ? [say(item, index)] : []
  })
}

const ofLists = (path: string, { hostAliases = [], imagePullSecrets = [], volumes = [] }: PodSpec): string[] => [
  ...volumes.flatMap((volume, index) => [...oldVolumes].filter(([type]) => volume[type] !== undefined).map(([type, why]) => `${path}.volumes[${index}].${type === 'storageos' ? 'storageOS' : type}: ${why}`)),
  ...volumes.flatMap(({ ephemeral }, index) => fractionWarnings(`${path}.volumes[${index}].ephemeral.volumeClaimTemplate.spec.resources.requests[storage]`, ephemeral?.volumeClaimTemplate?.spec?.resources?.requests?.['storage'])),
  ...repeated(hostAliases, ({ ip }) => ip, ({ ip }, index) => `${path}.hostAliases[${index}].ip: duplicate ip ${JSON.stringify(ip)}`),
  ...repeated(imagePullSecrets, ({ name }) => name ?? '', ({ name }, index) => `${path}.imagePullSecrets[${index}].name: duplicate name ${JSON.stringify(name)}`),
  ...imagePullSecrets.flatMap(({ name }, index) => (name ? [] : [`${path}.imagePullSecrets[${index}].name: invalid empty name ""`])),
]

const ofBytes = (path: string, list: Readonly<Record<string, string>> | undefined): string[] => ['memory', 'ephemeral-storage'].flatMap((name) => {
  const value = list?.[name]
  return value !== undefined && isValidQuantity(value) && toMilli(value) % 1000n !== 0n ? [`${path}[${name}]: fractional byte value ${JSON.stringify(formatQuantity(value))} is invalid, must be an integer`] : []
})

/** A variable that builds on the earlier one of its name (`$(PATH):/more`) is meant. */
const ofEnv = (path: string, env: readonly EnvVar[]): string[] => {
  const seen = new Set<string>()
  return env.flatMap(({ name, value = '', valueFrom }, index) => {
    const reference = `$(${name})`
    const hides = seen.has(name) && (valueFrom !== undefined || value === reference || !value.includes(reference))
    seen.add(name)
    return hides ? [`${path}[${index}]: hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`] : []
  })
}

interface PlacedPort { path: string; port: ContainerPort }

const between = (one: ContainerPort, other: ContainerPort): string | undefined => {
  const [hostIPs, hostPorts] = [[one.hostIP ?? '', other.hostIP ?? ''], [one.hostPort ?? 0, other.hostPort ?? 0]]
  if (hostIPs[0] === hostIPs[1] && hostPorts[0] === hostPorts[1]) return 'duplicate port definition with'
  if (hostPorts.includes(0)) return 'overlapping port definition with'
  return hostPorts[0] === hostPorts[1] && (hostIPs[0] === '') !== (hostIPs[1] === '') ? 'dangerously ambiguous port definition with' : undefined
}

/** As Go prints the struct. */
const shownPort = ({ name = '', hostPort = 0, containerPort, protocol = '', hostIP = '' }: ContainerPort): string => `{Name:${name} HostPort:${hostPort} ContainerPort:${containerPort} Protocol:${protocol} HostIP:${hostIP}}`

const ofPorts = (ports: readonly PlacedPort[]): string[] => ports.flatMap(({ path, port }, index) => [
  ...(port.hostIP && !port.hostPort ? [`${path}: hostIP set without hostPort: ${shownPort(port)}`] : []),
  ...ports.slice(0, index).filter((other) => other.port.containerPort === port.containerPort && other.port.protocol === port.protocol)
    .flatMap((other) => { const how = between(port, other.port); return how === undefined ? [] : [`${path}: ${how} ${other.path}`] }),
])

const ofContainer = (path: string, { resources, env = [] }: Container): string[] => [...ofBytes(`${path}.resources.limits`, resources?.limits), ...ofBytes(`${path}.resources.requests`, resources?.requests), ...ofEnv(`${path}.env`, env)]

/** `path` is where metadata and spec stand: '' for a pod. */
export const podWarnings = (path: string, { metadata, spec }: { metadata?: { annotations?: Readonly<Record<string, string>> | undefined } | undefined; spec?: PodSpec | undefined }): string[] => {
  if (!spec) return []
  const prefix = path === '' ? '' : `${path}.`
  const at = `${prefix}spec`
  const containers = (['initContainers', 'containers', 'ephemeralContainers'] as const).flatMap((list) => (spec[list] ?? []).map((container, index) => ({ container: container as Container, path: `${at}.${list}[${index}]` })))
  return [
    ...ofPlacement(at, spec),
    ...[...oldAnnotations].filter(([key]) => metadata?.annotations !== undefined && Object.hasOwn(metadata.annotations, key)).map(([key, why]) => `${prefix}metadata.annotations[${key}]: ${why}`),
    ...ofLists(at, spec),
    ...ofBytes(`${at}.overhead`, spec.overhead),
    ...ofProfiles(prefix, metadata?.annotations ?? {}, { spec, template: path !== '' }),
    ...containers.flatMap(({ container, path: own }) => ofContainer(own, container)),
    ...ofPorts(containers.flatMap(({ container, path: own }) => (container.ports ?? []).map((port, index) => ({ port, path: `${own}.ports[${index}]` })))),
    ...(spec.terminationGracePeriodSeconds !== undefined && spec.terminationGracePeriodSeconds < 0 ? [`${at}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`] : []),
    ...ofPodAffinity(at, spec),
    ...overlappingPathWarnings(spec.volumes),
    ...refusalWarnings(at, spec),
  ]
}

/** A name that becomes part of host names and is no label. `used` says where it is used. */
export const nameWarnings = (name: string, used = 'Pod names and hostnames'): string[] => {
  const wrong = isDns1123Label(name)
  return wrong.length > 0 ? [`metadata.name: this is used in ${used}, which can result in surprising behavior; a DNS label is recommended: [${wrong.join(' ')}]`] : []
}

/** Of a workload: its name, and its pod template at `path`. */
export const workloadWarnings = (name: string, path: string, template: PodTemplateSpec | undefined): string[] => [...nameWarnings(name), ...podWarnings(path, template ?? {})]

/** Whether an update changes nothing that makes a new generation: then there is nothing new to warn of. */
export const sameGeneration = ({ generation }: Pick<Metadata, 'generation'>, old: { metadata: Pick<Metadata, 'generation'> } | undefined): boolean => old !== undefined && old.metadata.generation === generation
