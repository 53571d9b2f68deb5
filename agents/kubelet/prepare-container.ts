/** Everything a container needs, gathered: image, environment, mounts, files. Throws ConfigError, MissingImage or MountError saying what is not there. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { ConfigMap, Container, Secret } from '../../src/api/types.ts'
import { containerSpec } from './container-spec.ts'
import { type Environment, environmentOf, ConfigError } from './env.ts'
import type { DownwardFacts } from './field-ref.ts'
import type { ImageVerdict, ResolvedImage } from './image.ts'
import { fieldPathOf, isStaticPod, type RoledContainer } from './pod.ts'
import type { Machine, PodRun } from './pod-run.ts'
import { referencesOf } from './references.ts'
import type { ContainerSpec, SeccompProfile } from './runtime/runtime.ts'
import { chooseSeccomp } from './seccomp/choose.ts'
import { serviceEnvironment } from './service-env.ts'

export class MissingImage extends Error {
  override readonly name = 'MissingImage'
  readonly verdict: ImageVerdict
  constructor(verdict: ImageVerdict) {
    super(verdict.message)
    this.verdict = verdict
  }
}

export const podIPsOf = (machine: Machine, { pod, observed }: PodRun): readonly string[] =>
  (pod.spec.hostNetwork ? machine.hostIPs : observed.sandbox?.podIP ? [observed.sandbox.podIP] : [])

export const downwardFacts = (machine: Machine, run: PodRun): DownwardFacts =>
  ({ podIPs: podIPsOf(machine, run), hostIPs: machine.hostIPs, nodeName: machine.nodeName, allocatable: machine.allocatable() })

/** `directory` of all attempts' logs of a container. */
export const containerLogDirectory = (machine: Pick<Machine, 'logDirectory'>, { metadata }: PodRun['pod'], container: string): string =>
  path.join(machine.logDirectory, `${metadata.namespace ?? ''}_${metadata.name}_${metadata.uid}`, container)

/** undefined: it is being pulled, and the worker will be woken. `pulled`: so it was, and that has been told. Throws MissingImage. */
export const obtainImage = async (machine: Machine, run: PodRun, each: RoledContainer): Promise<{ image: ResolvedImage; pulled: boolean } | undefined> => {
  const { pod, record, starting: signal } = run
  const { name: part, image: name = '', imagePullPolicy: pullPolicy } = each.container
  const backOff = Object.hasOwn(record.imageBackOffs, name) ? record.imageBackOffs[name] : undefined
  const answer = await machine.images.ensure({ pod, part, image: name, pullPolicy, backOff, signal, tell: (what) => machine.record(pod, { ...what, fieldPath: fieldPathOf(each) }) })
  if (answer.is === 'coming') return undefined
  if (answer.is === 'here') {
    Reflect.deleteProperty(record.imageBackOffs, name)
    return answer
  }
  if (answer.verdict.backOff) record.imageBackOffs = { ...record.imageBackOffs, [name]: answer.verdict.backOff }
  throw new MissingImage(answer.verdict)
}

/** The objects of the pod's namespace that this container's environment names. */
const readObjects = async (machine: Machine, { pod }: PodRun, container: Container): Promise<{ configMaps: Map<string, ConfigMap | undefined>; secrets: Map<string, Secret | undefined> }> => {
  const namespace = pod.metadata.namespace ?? ''
  const named = referencesOf({ ...pod, spec: { containers: [container] } })
  const configMaps = new Map<string, ConfigMap | undefined>()
  const secrets = new Map<string, Secret | undefined>()
  try {
    for (const name of named.configMaps) configMaps.set(name, await machine.references.configMap(namespace, name))
    for (const name of named.secrets) secrets.set(name, await machine.references.secret(namespace, name))
  } catch (error) {
    throw new ConfigError(error instanceof Error ? error.message : String(error), { cause: error })
  }
  return { configMaps, secrets }
}

const environment = async (machine: Machine, run: PodRun, container: Container): Promise<Environment> => {
  const { pod } = run
  const services = machine.services()
  // A pod that came from the API server can wait for its Services; a static one may be the API server.
  if (!services && !isStaticPod(pod)) throw new ConfigError('services have not yet been read at least once, cannot construct envvars')
  const { configMaps, secrets } = await readObjects(machine, run, container)
  try {
    return environmentOf(pod, container, {
      ...downwardFacts(machine, run), configMap: (name) => configMaps.get(name), secret: (name) => secrets.get(name),
      services: serviceEnvironment(services ?? [], pod.metadata.namespace ?? '', pod.spec.enableServiceLinks ?? true),
    })
  } catch (error) {
    throw error instanceof ConfigError ? error : new ConfigError(error instanceof Error ? error.message : String(error), { cause: error })
  }
}

const seccompProfile = async (machine: Machine, { pod }: PodRun, container: Container): Promise<SeccompProfile | undefined> => {
  const choice = chooseSeccomp(pod, container, { seccompDefault: machine.seccompDefault, directory: path.join(machine.directory, 'seccomp') })
  if (choice?.kind !== 'file') return choice
  try {
    return { ...choice, text: await readFile(choice.path, 'utf8') }
  } catch (error) {
    throw new Error(`cannot load seccomp profile ${JSON.stringify(choice.path)}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

export const prepareContainer = async (machine: Machine, run: PodRun, { container, attempt, image }: { container: Container; attempt: number; image: ResolvedImage }): Promise<ContainerSpec> => {
  const { pod } = run
  const env = await environment(machine, run, container)
  const mounts = await machine.volumes.mountsOf(pod, container, env)
  return containerSpec(pod, container, {
    attempt, image, environment: env, mounts, memoryCapacityBytes: machine.memoryCapacityBytes, seccomp: await seccompProfile(machine, run, container),
    logPath: path.join(containerLogDirectory(machine, pod, container.name), `${attempt}.log`),
  })
}
