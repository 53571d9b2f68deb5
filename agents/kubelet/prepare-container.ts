/** Everything a container needs, gathered: image, environment, mounts, files. Throws ConfigError, MissingImage or MountError saying what is not there. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { ConfigMap, Container, Secret } from '../../src/api/types.ts'
import { containerSpec } from './container-spec.ts'
import { type Environment, environmentOf, ConfigError } from './env.ts'
import type { DownwardFacts } from './field-ref.ts'
import type { ImageVerdict, ResolvedImage } from './image.ts'
import { imageVolumesOf, volumeRoot, type VolumeRoot } from './images/image-volume.ts'
import { fieldPathOf, isStaticPod, type RoledContainer } from './pod.ts'
import type { Machine, PodRun } from './pod-run.ts'
import { referencesOf } from './references.ts'
import type { ContainerSpec, SeccompProfile } from './runtime/runtime.ts'
import { chooseSeccomp } from './seccomp/choose.ts'
import { serviceEnvironment } from './service-env.ts'
import { unsupportedInContainer } from './unsupported.ts'

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

/** Of one attempt. */
export const containerLogPath = (machine: Pick<Machine, 'logDirectory'>, pod: PodRun['pod'], { name, attempt }: { name: string; attempt: number }): string =>
  path.join(containerLogDirectory(machine, pod, name), `${attempt}.log`)

interface Wanted { part: string; name: string; pullPolicy: string | undefined; fieldPath?: string }

/** undefined: it is being pulled, and the worker will be woken. `pulled`: so it was, and that has been told. Throws MissingImage. */
const obtain = async (machine: Machine, { pod, record, starting: signal }: PodRun, { part, name, pullPolicy, fieldPath }: Wanted): Promise<{ image: ResolvedImage; pulled: boolean } | undefined> => {
  const backOff = Object.hasOwn(record.imageBackOffs, name) ? record.imageBackOffs[name] : undefined
  const answer = await machine.images.ensure({ pod, part, image: name, pullPolicy, backOff, signal, tell: (what) => machine.record(pod, { ...what, ...(fieldPath !== undefined && { fieldPath }) }) })
  if (answer.is === 'coming') return undefined
  if (answer.is === 'here') {
    Reflect.deleteProperty(record.imageBackOffs, name)
    return answer
  }
  if (answer.verdict.backOff) record.imageBackOffs = { ...record.imageBackOffs, [name]: answer.verdict.backOff }
  throw new MissingImage(answer.verdict)
}

/** Everything of images that a container needs: its own, and those of its volumes, by volume. */
export interface ObtainedImages { image: ResolvedImage; pulled: boolean; volumes: ReadonlyMap<string, VolumeRoot> }

const volumePart = (container: string, volume: string): string => `${container}#${volume}`

/** undefined: some are being pulled. Throws MissingImage, or ConfigError for a volume that has no image's content. */
export const obtainImages = async (machine: Machine, run: PodRun, each: RoledContainer): Promise<ObtainedImages | undefined> => {
  const { name: part, image: name = '', imagePullPolicy: pullPolicy } = each.container
  const wanted = imageVolumesOf(run.pod, each.container)
  const roots = new Map<string, VolumeRoot>()
  for (const volume of wanted) {
    const found = await obtain(machine, run, { part: volumePart(part, volume.name), name: volume.reference, pullPolicy: volume.pullPolicy })
    if (found) roots.set(volume.name, volumeRoot(volume, found.image))
  }
  const own = await obtain(machine, run, { part, name, pullPolicy, fieldPath: fieldPathOf(each) })
  if (!own || roots.size < wanted.length) return undefined
  machine.images.taken(run.pod.metadata.uid, [part, ...wanted.map((volume) => volumePart(part, volume.name))])
  return { ...own, volumes: roots }
}

/** What is on this machine, for an attempt that is only prepared. Throws what is not. */
export const localImages = async (machine: Machine, { pod }: PodRun, container: Container): Promise<ObtainedImages> => {
  const found = async (name: string): Promise<ResolvedImage> => {
    const image = await machine.images.resolve(name)
    if (!image) throw new Error(`image ${JSON.stringify(name)} is not on this machine`)
    return image
  }
  const volumes = await Promise.all(imageVolumesOf(pod, container).map(async (volume): Promise<[string, VolumeRoot]> => [volume.name, volumeRoot(volume, await found(volume.reference))]))
  return { image: await found(container.image ?? ''), pulled: false, volumes: new Map(volumes) }
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

/** The files that this container's environment names, as they are now. */
const readFiles = async (machine: Machine, { pod }: PodRun, container: Container): Promise<(volume: string, file: string) => string> => {
  const read = new Map<string, string | Error>()
  for (const { valueFrom } of container.env ?? []) {
    if (!valueFrom?.fileKeyRef) continue
    const { volumeName, path: file } = valueFrom.fileKeyRef
    read.set(`${volumeName}/${file}`, await machine.volumes.fileOf(pod, volumeName, file).catch((error: unknown) => (error instanceof Error ? error : new Error(String(error)))))
  }
  return (volume, file) => {
    const found = read.get(`${volume}/${file}`)
    if (typeof found === 'string') return found
    throw found ?? new Error(`no file ${volume}/${file} was read`)
  }
}

/** What such a container finds must be what is there when it starts: it is not prepared before. */
export const readsFiles = ({ env = [] }: Container): boolean => env.some(({ valueFrom }) => valueFrom?.fileKeyRef !== undefined)

const environment = async (machine: Machine, run: PodRun, container: Container): Promise<Environment> => {
  const { pod } = run
  const services = machine.services()
  // A pod that came from the API server can wait for its Services; a static one may be the API server.
  if (!services && !isStaticPod(pod)) throw new ConfigError('services have not yet been read at least once, cannot construct envvars')
  const { configMaps, secrets } = await readObjects(machine, run, container)
  const file = await readFiles(machine, run, container)
  try {
    return environmentOf(pod, container, {
      ...downwardFacts(machine, run), configMap: (name) => configMaps.get(name), secret: (name) => secrets.get(name),
      file, services: serviceEnvironment(services ?? [], pod.metadata.namespace ?? '', pod.spec.enableServiceLinks ?? true),
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

export const prepareContainer = async (machine: Machine, run: PodRun, { container, attempt, images }: { container: Container; attempt: number; images: ObtainedImages }): Promise<ContainerSpec> => {
  const { pod } = run
  const devices = machine.devices.of(pod.metadata.uid, container.name)
  const own = await environment(machine, run, container)
  // What the container says itself counts more than what its devices' plugins say.
  const env = [...devices.env.filter(({ name }) => !own.some((each) => each.name === name)), ...own]
  const mounts = [...await machine.volumes.mountsOf(pod, container, own, images.volumes), ...devices.mounts]
  const unsupported = unsupportedInContainer(pod, container)
  if (unsupported !== undefined) throw new ConfigError(unsupported)
  return containerSpec(pod, container, {
    attempt, image: images.image, environment: env, mounts, memoryCapacityBytes: machine.memoryCapacityBytes, seccomp: await seccompProfile(machine, run, container), pin: machine.cpus.pinOf(pod.metadata.uid, container.name),
    logPath: containerLogPath(machine, pod, { name: container.name, attempt }),
  })
}
