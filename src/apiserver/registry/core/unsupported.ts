/**
 * What this cluster cannot honour yet, in one list: refused by name when somebody asks for it, never accepted and ignored.
 * The README's chapter on what is not supported is generated from `unsupportedFields`.
 */
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { Container, EphemeralContainer, PodSpec } from '../../../api/types.ts'
import { checkEach } from '../field-checks.ts'

export interface UnsupportedField {
  /** As documentation names it: `pod.spec.hostUsers`, `volume.nfs`. */
  field: string
  why: string
}

interface Rule<T> {
  /** The path below the spec or the container. */
  path: string
  why: string
  isSet(object: T): boolean
  /** Where it is set, below the spec or the container, when `path` has an asterisk. */
  at?(object: T): string[]
}

const linuxOnly = 'this cluster has Linux nodes only'

/** Paths of host ports that no rule of iptables could be written for: in the host's own network none is needed. */
const sctpHostPorts = (spec: PodSpec): string[] => (spec.hostNetwork ? [] : (['initContainers', 'containers'] as const).flatMap((list) =>
  (spec[list] ?? []).flatMap(({ ports = [] }, index) => ports.flatMap(({ hostPort, protocol }, port) => (hostPort && protocol === 'SCTP' ? [`${list}[${index}].ports[${port}].hostPort`] : [])))))

const podRules: readonly Rule<PodSpec>[] = [
  { path: 'resourceClaims', why: 'this cluster has no dynamic resource allocation', isSet: ({ resourceClaims = [] }) => resourceClaims.length > 0 },
  { path: 'resources', why: 'set resources on the containers instead', isSet: ({ resources }) => Object.keys({ ...resources?.limits, ...resources?.requests }).length > 0 },
  { path: 'schedulingGroup', why: 'this cluster schedules pods one by one', isSet: ({ schedulingGroup }) => schedulingGroup !== undefined },
  { path: 'shareProcessNamespace', why: 'pods with hostUsers false share no process namespace on this cluster', isSet: ({ hostUsers, shareProcessNamespace }) => hostUsers === false && shareProcessNamespace === true },
  { path: 'containers[*].ports[*].hostPort', why: 'host ports are TCP or UDP on this cluster; leave hostPort out, or use hostNetwork, where protocol is SCTP', isSet: (spec) => sctpHostPorts(spec).length > 0, at: sctpHostPorts },
  { path: 'os.name', why: linuxOnly, isSet: ({ os }) => os?.name === 'windows' },
  { path: 'securityContext.windowsOptions', why: linuxOnly, isSet: ({ securityContext }) => securityContext?.windowsOptions !== undefined },
]

const isHugePages = (name: string): boolean => name.startsWith('hugepages-')

const containerRules: readonly Rule<Container | EphemeralContainer>[] = [
  { path: 'volumeDevices', why: 'this cluster has no block volumes', isSet: ({ volumeDevices = [] }) => volumeDevices.length > 0 },
  { path: 'resources.claims', why: 'this cluster has no dynamic resource allocation', isSet: ({ resources }) => (resources?.claims ?? []).length > 0 },
  { path: 'resources.limits[hugepages-*]', why: 'this cluster does not manage huge pages', isSet: ({ resources }) => Object.keys({ ...resources?.limits, ...resources?.requests }).some(isHugePages) },
  { path: 'securityContext.windowsOptions', why: linuxOnly, isSet: ({ securityContext }) => securityContext?.windowsOptions !== undefined },
]

export const supportedVolumes = ['emptyDir', 'hostPath', 'configMap', 'secret', 'downwardAPI', 'projected', 'persistentVolumeClaim', 'ephemeral', 'image'] as const

const unsupportedVolumes: readonly string[] = ['awsElasticBlockStore', 'azureDisk', 'azureFile', 'cephfs', 'cinder', 'fc', 'flexVolume', 'flocker', 'gcePersistentDisk', 'gitRepo', 'glusterfs',
  'iscsi', 'nfs', 'photonPersistentDisk', 'portworxVolume', 'quobyte', 'rbd', 'scaleIO', 'storageos', 'vsphereVolume', 'emptyDir.medium', 'projected.clusterTrustBundle', 'projected.podCertificate']

const whyNoVolume = (type: string): string => {
  if (type === 'emptyDir.medium') return 'this cluster has only the media "" and Memory'
  return type.startsWith('projected.') ? 'this cluster projects only secret, configMap, downwardAPI and serviceAccountToken' : `this cluster has only these volumes: ${supportedVolumes.join(', ')}`
}

/** Everything that is refused, for documentation. */
export const unsupportedFields: readonly UnsupportedField[] = [
  ...podRules.map(({ path, why }) => ({ field: `pod.spec.${path}`, why })),
  ...containerRules.map(({ path, why }) => ({ field: `container.${path}`, why })),
  ...unsupportedVolumes.map((type) => ({ field: `volume.${type}`, why: whyNoVolume(type) })),
]

const refuse = <T>(rules: readonly Rule<T>[], path: string, object: T): FieldError[] =>
  rules.filter(({ isSet }) => isSet(object)).flatMap((rule) => (rule.at?.(object) ?? [rule.path]).map((at) => fieldError.forbidden(`${path}.${at}`, `not supported: ${rule.why}`)))

export const unsupportedVolume = (path: string, type: string): FieldError =>
  fieldError.forbidden(path, `not supported: ${whyNoVolume(type)}`)

/** What a pod's spec asks for and cannot get, besides volumes (which volume-validation names where they stand). */
export const unsupportedInPodSpec = (path: string, spec: PodSpec): FieldError[] => [
  ...refuse(podRules, path, spec),
  ...(['initContainers', 'containers', 'ephemeralContainers'] as const).flatMap((list) => checkEach<Container | EphemeralContainer>(`${path}.${list}`, spec[list], (container, at) => refuse(containerRules, at, container))),
]
