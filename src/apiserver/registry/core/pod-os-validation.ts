/** What a pod may say of its operating system. Mirrors validateLinux, validateWindows and validateWindowsHostProcessPod of upstream's core validation. */
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { Container, EphemeralContainer, PodSpec } from '../../../api/types.ts'

const lists = ['containers', 'initContainers', 'ephemeralContainers'] as const

interface Placed { container: Container | EphemeralContainer; at: string }

const containersOf = (path: string, spec: PodSpec): Placed[] => lists.flatMap((list) => (spec[list] ?? []).map((container, index) => ({ container, at: `${path}.${list}[${index}]` })))

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1)

const forbidden = <T extends object>(path: string, object: T | undefined, fields: readonly (keyof T & string)[]): FieldError[] =>
  (object ? fields.filter((field) => object[field] !== undefined).map((field) => fieldError.forbidden(`${path}.${field}`, 'cannot be set for a windows pod')) : [])

const checkWindows = (path: string, spec: PodSpec): FieldError[] => [
  ...(['hostPID', 'hostIPC', 'shareProcessNamespace'] as const).filter((field) => spec[field]).map((field) => fieldError.forbidden(`${path}.${field === 'shareProcessNamespace' ? 'securityContext.shareProcessNamespace' : field}`, 'cannot be set for a windows pod')),
  ...forbidden(path, spec, ['hostUsers']),
  ...forbidden(`${path}.securityContext`, spec.securityContext, ['appArmorProfile', 'seLinuxOptions', 'seccompProfile', 'fsGroup', 'fsGroupChangePolicy', 'sysctls', 'runAsUser', 'runAsGroup', 'supplementalGroups', 'supplementalGroupsPolicy']),
  ...containersOf(path, spec).flatMap(({ container, at }) => forbidden(`${at}.securityContext`, container.securityContext,
    ['appArmorProfile', 'seLinuxOptions', 'seccompProfile', 'capabilities', 'readOnlyRootFilesystem', 'privileged', 'allowPrivilegeEscalation', 'procMount', 'runAsUser', 'runAsGroup'])),
]

const checkLinux = (path: string, spec: PodSpec): FieldError[] => [{ context: spec.securityContext, at: path }, ...containersOf(path, spec).map(({ container, at }) => ({ context: container.securityContext, at }))]
  .filter(({ context }) => context?.windowsOptions !== undefined).map(({ at }) => fieldError.forbidden(`${at}.securityContext.windowsOptions`, 'windows options cannot be set for a linux pod'))

const checkHostProcess = (path: string, spec: PodSpec): FieldError[] => {
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess
  const containers = containersOf(path, spec).map(({ container, at }) => ({ at, own: container.securityContext?.windowsOptions?.hostProcess }))
  const hosts = containers.filter(({ own }) => own ?? ofPod)
  return [
    ...containers.filter(({ own }) => ofPod !== undefined && own !== undefined && own !== ofPod)
      .map(({ at, own }) => fieldError.invalid(`${at}.securityContext.windowsOptions.hostProcess`, own, `pod hostProcess value must be identical if both are specified, was ${String(ofPod)}`)),
    ...(hosts.length > 0 && hosts.length !== containers.length ? [fieldError.invalid(path, '', 'If pod contains any hostProcess containers then all containers must be HostProcess containers')] : []),
    ...(hosts.length > 0 && !spec.hostNetwork ? [fieldError.invalid(`${path}.hostNetwork`, false, 'hostNetwork must be true if pod contains any hostProcess containers')] : []),
  ]
}

const linuxSignals = [
  'SIGABRT', 'SIGALRM', 'SIGBUS', 'SIGCHLD', 'SIGCLD', 'SIGCONT', 'SIGFPE', 'SIGHUP', 'SIGILL', 'SIGINT', 'SIGIO', 'SIGIOT', 'SIGKILL', 'SIGPIPE', 'SIGPOLL', 'SIGPROF', 'SIGPWR', 'SIGQUIT',
  'SIGRTMAX', ...range(14).map((less) => `SIGRTMAX-${less}`), 'SIGRTMIN', ...range(15).map((more) => `SIGRTMIN+${more}`),
  'SIGSEGV', 'SIGSTKFLT', 'SIGSTOP', 'SIGSYS', 'SIGTERM', 'SIGTRAP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU', 'SIGURG', 'SIGUSR1', 'SIGUSR2', 'SIGVTALRM', 'SIGWINCH', 'SIGXCPU', 'SIGXFSZ',
].sort()

/** What a signal means depends on who is to be stopped. (validateStopSignal) */
const checkStopSignal = (path: string, signal: string, os: string | undefined): FieldError[] => {
  if (!os) return [fieldError.forbidden(path, 'may not be set for containers with empty `spec.os.name`')]
  const signals = os === 'windows' ? ['SIGKILL', 'SIGTERM'] : os === 'linux' ? linuxSignals : undefined
  return signals && !signals.includes(signal) ? [fieldError.notSupported(path, signal, signals)] : []
}

/** `path`: of the pod's spec. */
export const checkPodOs = (path: string, spec: PodSpec): FieldError[] => [
  ...checkHostProcess(path, spec),
  ...containersOf(path, spec).flatMap(({ container, at }) => (container.lifecycle?.stopSignal === undefined ? [] : checkStopSignal(`${at}.lifecycle.stopSignal`, container.lifecycle.stopSignal, spec.os?.name))),
  ...(spec.os?.name === 'windows' ? checkWindows(path, spec) : spec.os?.name === 'linux' ? checkLinux(path, spec) : []),
]
