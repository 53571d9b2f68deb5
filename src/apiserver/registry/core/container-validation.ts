/** Containers, init containers and ephemeral containers of a pod. Mirrors validateContainers and its siblings in upstream's core validation. */
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { Container, ContainerResizePolicy, EphemeralContainer, PodSpec, Volume } from '../../../api/types.ts'
import { checkDnsLabel, checkEach, checkOneOf } from '../field-checks.ts'
import { checkContainerPorts, checkHostPortConflicts } from './container-port-validation.ts'
import { checkContainerRestart } from './container-restart-validation.ts'
import { checkEnv, checkEnvFrom } from './env-validation.ts'
import { checkContainerClaims } from './pod-claim-validation.ts'
import { checkLifecycleAndProbes } from './probe-validation.ts'
import { checkResourceRequirements } from './resource-validation.ts'
import { checkContainerSecurityContext } from './security-context-validation.ts'
import { checkMountsBesideDevices, checkVolumeDevices } from './volume-device-validation.ts'
import { checkVolumeMounts } from './volume-mount-validation.ts'

/** What a container's checks must know of its pod. */
export interface ContainerSurroundings {
  /** The names of the pod's valid volumes. */
  volumes: ReadonlySet<string>
  /** All of them, as they are. */
  sources: readonly Volume[]
  /** The names of the pod's claims of dynamic resources. */
  claims: readonly string[]
  podRestartPolicy: string | undefined
  graceSeconds: number | undefined
}

const checkResizePolicy = (path: string, policies: readonly ContainerResizePolicy[] | undefined, podRestartPolicy: string | undefined): FieldError[] => {
  const seen = new Set<string>()
  return checkEach(path, policies, ({ resourceName, restartPolicy }, at) => {
    const twice = seen.has(resourceName)
    seen.add(resourceName)
    return [
      ...(twice ? [fieldError.duplicate(at, resourceName)] : []),
      ...checkOneOf(path, resourceName, ['cpu', 'memory']),
      ...checkOneOf(path, restartPolicy, ['NotRequired', 'RestartContainer']),
      ...(podRestartPolicy === 'Never' && restartPolicy !== 'NotRequired' ? [fieldError.invalid(path, restartPolicy, "must be 'NotRequired' when `restartPolicy` is 'Never'")] : []),
    ]
  })
}

const checkCommon = (path: string, container: Container | EphemeralContainer, { volumes, sources, claims, podRestartPolicy }: ContainerSurroundings): FieldError[] => [
  ...(container.name ? checkDnsLabel(`${path}.name`, container.name) : [fieldError.required(`${path}.name`)]),
  ...(container.image ? [] : [fieldError.required(`${path}.image`)]),
  ...checkOneOf(`${path}.terminationMessagePolicy`, container.terminationMessagePolicy, ['File', 'FallbackToLogsOnError']),
  ...checkContainerPorts(`${path}.ports`, container.ports),
  ...checkEnv(`${path}.env`, container.env, sources),
  ...checkEnvFrom(`${path}.envFrom`, container.envFrom),
  ...checkVolumeMounts(`${path}.volumeMounts`, container, volumes),
  ...checkMountsBesideDevices(`${path}.volumeMounts`, container),
  ...checkVolumeDevices(`${path}.volumeDevices`, container, { volumes, sources }),
  ...checkOneOf(`${path}.imagePullPolicy`, container.imagePullPolicy, ['Always', 'IfNotPresent', 'Never']),
  ...checkResourceRequirements(`${path}.resources`, container.resources ?? {}),
  ...checkContainerClaims(`${path}.resources.claims`, container.resources ?? {}, claims),
  ...checkResizePolicy(`${path}.resizePolicy`, container.resizePolicy, podRestartPolicy),
  ...checkContainerSecurityContext(`${path}.securityContext`, container.securityContext),
]

export const checkContainers = (path: string, containers: readonly Container[] | undefined, surroundings: ContainerSurroundings): FieldError[] => {
  if (!containers || containers.length === 0) return [fieldError.required(path)]
  const names = new Set<string>()
  return [
    ...checkEach(path, containers, (container, at) => {
      const twice = names.has(container.name)
      names.add(container.name)
      return [
        ...checkCommon(at, container, surroundings),
        ...(twice ? [fieldError.duplicate(`${at}.name`, container.name ?? '')] : []),
        ...checkLifecycleAndProbes(at, container, surroundings.graceSeconds),
        ...checkContainerRestart(at, container),
      ]
    }),
    ...checkHostPortConflicts(path, containers),
  ]
}

const initOnly = ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const

export const checkInitContainers = (path: string, spec: PodSpec, surroundings: ContainerSurroundings): FieldError[] => {
  const names = new Set((spec.containers ?? []).map(({ name }) => name))
  return checkEach(path, spec.initContainers, (container, at) => {
    const twice = names.has(container.name)
    if (container.name) names.add(container.name)
    return [
      ...checkCommon(at, container, surroundings),
      ...checkContainerRestart(at, container),
      ...(twice ? [fieldError.duplicate(`${at}.name`, container.name)] : []),
      // One by one, since init containers run one after the other.
      ...checkHostPortConflicts(path, [container]),
      ...(container.restartPolicy === 'Always' ? checkLifecycleAndProbes(at, container, surroundings.graceSeconds)
        : initOnly.filter((field) => container[field] !== undefined).map((field) => fieldError.forbidden(`${at}.${field}`, 'may not be set for init containers without restartPolicy=Always'))),
    ]
  })
}

const ephemeralForbidden = ['ports', 'livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle', 'resizePolicy', 'restartPolicy', 'restartPolicyRules'] as const
const notForEphemeral = 'cannot be set for an Ephemeral Container'
const isGiven = (value: unknown): boolean => value !== undefined && !(Array.isArray(value) && value.length === 0)

const checkEphemeralFields = (path: string, container: EphemeralContainer): FieldError[] => [
  ...ephemeralForbidden.filter((field) => isGiven(container[field])).map((field) => fieldError.forbidden(`${path}.${field}`, notForEphemeral)),
  ...(Object.keys({ ...container.resources?.limits, ...container.resources?.requests }).length > 0 ? [fieldError.forbidden(`${path}.resources`, notForEphemeral)] : []),
  ...checkEach(`${path}.volumeMounts`, container.volumeMounts, (mount, at) =>
    (['subPath', 'subPathExpr'] as const).filter((field) => mount[field]).map((field) => fieldError.forbidden(`${at}.${field}`, notForEphemeral))),
]

export const checkEphemeralContainers = (path: string, spec: PodSpec, surroundings: ContainerSurroundings): FieldError[] => {
  const others = new Set([...(spec.containers ?? []), ...(spec.initContainers ?? [])].map(({ name }) => name))
  const names = new Set(others)
  return checkEach(path, spec.ephemeralContainers, (container, at) => {
    const twice = names.has(container.name)
    names.add(container.name)
    return [
      ...checkCommon(at, container, surroundings),
      ...checkImageSpace(at, container),
      ...(twice ? [fieldError.duplicate(`${at}.name`, container.name)] : []),
      ...(container.targetContainerName && !others.has(container.targetContainerName) ? [fieldError.notFound(`${at}.targetContainerName`, container.targetContainerName)] : []),
      ...checkEphemeralFields(at, container),
    ]
  })
}

/** Asked of pods only: templates were always let through. */
export const checkImageSpace = (path: string, { image = '' }: Container | EphemeralContainer): FieldError[] =>
  (image === image.trim() ? [] : [fieldError.invalid(`${path}.image`, image, 'must not have leading or trailing whitespace')])
