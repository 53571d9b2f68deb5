/** What stands in the files of configMap, secret, downwardAPI and projected volumes. Mirrors pkg/volume/{configmap,secret,downwardapi,projected}. Pure: what it reads is given. */
import type { ConfigMap, DownwardAPIVolumeFile, KeyToPath, Pod, ProjectedVolumeSource, Secret, Volume, VolumeProjection } from '../../../src/api/types.ts'
import { type DownwardFacts, fieldValue, resourceValue } from '../field-ref.ts'

export interface PayloadFile { data: Buffer; mode: number; uid?: number }
/** By path inside the volume. */
export type Payload = Map<string, PayloadFile>

export interface TokenRequest { audience: string; expirationSeconds: number; path: string }

export interface PayloadFacts extends DownwardFacts {
  configMap(name: string): ConfigMap | undefined
  secret(name: string): Secret | undefined
  token(request: TokenRequest): string
}

const defaultFileMode = 0o644

/** Whether the volume is one of those whose files follow the API. */
export const isProjection = (volume: Volume): boolean => Boolean(volume.configMap ?? volume.secret ?? volume.downwardAPI ?? volume.projected)

/** What has to be there first: tokens are asked for, objects are watched. */
export const tokenRequestsOf = (volume: Volume): TokenRequest[] => (volume.projected?.sources ?? []).flatMap(({ serviceAccountToken }) =>
  (serviceAccountToken ? [{ audience: serviceAccountToken.audience ?? '', expirationSeconds: serviceAccountToken.expirationSeconds ?? 3600, path: serviceAccountToken.path }] : []))

/** Throws, in upstream's words, for what is not there and not optional. */
export const payloadOf = (pod: Pod, volume: Volume, facts: PayloadFacts): Payload => {
  if (volume.configMap) return fromConfigMap({ ...volume.configMap, name: volume.configMap.name }, volume.configMap.defaultMode ?? defaultFileMode, facts)
  if (volume.secret) {
    const { secretName, items, optional, defaultMode } = volume.secret
    return fromSecret({ name: secretName, items, optional }, defaultMode ?? defaultFileMode, facts)
  }
  if (volume.downwardAPI) return fromDownward(pod, volume.downwardAPI.items ?? [], volume.downwardAPI.defaultMode ?? defaultFileMode, facts)
  return volume.projected ? fromProjected(pod, volume.projected, facts) : new Map()
}

interface Reference { name?: string | undefined; items?: KeyToPath[] | undefined; optional?: boolean | undefined }

const pick = (data: Map<string, Buffer>, { items, optional }: Reference, mode: number, word: string): Payload => {
  if (!items || items.length === 0) return new Map([...data].map(([key, value]) => [key, { data: value, mode }]))
  return new Map(items.flatMap((item): [string, PayloadFile][] => {
    const value = data.get(item.key)
    if (value) return [[item.path, { data: value, mode: item.mode ?? mode }]]
    if (optional) return []
    throw new Error(`${word}: ${item.key}`)
  }))
}

const fromConfigMap = (reference: Reference, mode: number, facts: PayloadFacts): Payload => {
  const object = facts.configMap(reference.name ?? '')
  if (!object && !reference.optional) throw new Error(`configmap ${JSON.stringify(reference.name ?? '')} not found`)
  const data = new Map<string, Buffer>([
    ...Object.entries(object?.data ?? {}).map(([key, value]): [string, Buffer] => [key, Buffer.from(value)]),
    ...Object.entries(object?.binaryData ?? {}).map(([key, value]): [string, Buffer] => [key, Buffer.from(value, 'base64')]),
  ])
  return pick(data, object ? reference : { ...reference, items: undefined }, mode, 'configmap references non-existent config key')
}

const fromSecret = (reference: Reference, mode: number, facts: PayloadFacts): Payload => {
  const object = facts.secret(reference.name ?? '')
  if (!object && !reference.optional) throw new Error(`secret ${JSON.stringify(reference.name ?? '')} not found`)
  const data = new Map(Object.entries(object?.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64')]))
  return pick(data, object ? reference : { ...reference, items: undefined }, mode, 'references non-existent secret key')
}

const fromDownward = (pod: Pod, items: readonly DownwardAPIVolumeFile[], mode: number, facts: PayloadFacts): Payload =>
  new Map(items.map((item) => [item.path, {
    data: Buffer.from(item.fieldRef ? fieldValue(pod, item.fieldRef, facts) : item.resourceFieldRef ? resourceValue(pod, item.resourceFieldRef, undefined, facts.allocatable) : ''),
    mode: item.mode ?? mode,
  }]))

const fromProjected = (pod: Pod, { sources = [], defaultMode = defaultFileMode }: ProjectedVolumeSource, facts: PayloadFacts): Payload =>
  new Map(sources.flatMap((source) => [...fromSource(pod, source, defaultMode, facts)]))

const fromSource = (...[pod, source, mode, facts]: [Pod, VolumeProjection, number, PayloadFacts]): Payload => {
  if (source.configMap) return fromConfigMap(source.configMap, mode, facts)
  if (source.secret) return fromSecret(source.secret, mode, facts)
  if (source.downwardAPI) return fromDownward(pod, source.downwardAPI.items ?? [], mode, facts)
  if (!source.serviceAccountToken) return new Map()
  const { audience = '', expirationSeconds = 3600, path } = source.serviceAccountToken
  const owner = commonUser(pod)
  const token: PayloadFile = {
    data: Buffer.from(facts.token({ audience, expirationSeconds, path })),
    mode: owner !== undefined || pod.spec.securityContext?.fsGroup !== undefined ? 0o600 : mode, ...(owner !== undefined && { uid: owner }),
  }
  return new Map([[path, token]])
}

/** The one user as whom all containers run, if there is one: upstream's FsUserFrom. */
const commonUser = (pod: Pod): number | undefined => {
  const users = new Set([...pod.spec.containers, ...(pod.spec.initContainers ?? [])].map(({ securityContext }) => securityContext?.runAsUser ?? pod.spec.securityContext?.runAsUser))
  const [user] = users
  return users.size === 1 ? user : undefined
}
