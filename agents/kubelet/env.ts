/** A container's environment. Mirrors makeEnvironmentVariables (pkg/kubelet/kubelet_pods.go). Pure: what it reads is given. */
import type { ConfigMap, Container, EnvVar, FileKeySelector, Pod, Secret } from '../../src/api/types.ts'
import { valueInEnvFile } from './env-file.ts'
import { expand } from './expansion.ts'
import { type DownwardFacts, fieldValue, resourceValue } from './field-ref.ts'

/** A container that cannot be made because of what it refers to: `waiting.reason` CreateContainerConfigError. */
export class ConfigError extends Error { override readonly name = 'ConfigError' }

export interface EnvironmentFacts extends DownwardFacts {
  /** undefined: there is no such object. */
  configMap(name: string): ConfigMap | undefined
  secret(name: string): Secret | undefined
  services: ReadonlyMap<string, string>
  /** The text of a file in one of the pod's volumes. Throws when it cannot be read. */
  file(volume: string, path: string): string
}

export type Environment = { name: string; value: string }[]

/** In the order of declaration, what comes from envFrom first, remaining Service variables last. Throws ConfigError. */
export const environmentOf = (pod: Pod, container: Container, facts: EnvironmentFacts): Environment => {
  const variables = new Map<string, string>(fromSources(container, facts))
  const valueOf = (name: string): string | undefined => variables.get(name) ?? facts.services.get(name)
  for (const variable of container.env ?? []) {
    const value = variable.value ? expand(variable.value, valueOf) : variable.valueFrom ? resolve(pod, container, variable, facts) : ''
    if (value !== undefined) variables.set(variable.name, value)
  }
  for (const [name, value] of facts.services) if (!variables.has(name)) variables.set(name, value)
  return [...variables].map(([name, value]) => ({ name, value }))
}

const decode = (secret: Secret): Record<string, string> =>
  Object.fromEntries(Object.entries(secret.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]))

const fromSources = (container: Container, facts: EnvironmentFacts): [string, string][] => (container.envFrom ?? []).flatMap(({ prefix = '', configMapRef, secretRef }) => {
  const data = configMapRef ? facts.configMap(configMapRef.name ?? '')?.data ?? (facts.configMap(configMapRef.name ?? '') ? {} : undefined)
    : (() => { const secret = secretRef && facts.secret(secretRef.name ?? ''); return secret && decode(secret) })()
  const reference = configMapRef ?? secretRef
  if (!data) {
    if (!reference || reference.optional) return []
    throw new ConfigError(`${configMapRef ? 'configmap' : 'secret'} ${JSON.stringify(reference.name ?? '')} not found`)
  }
  return Object.entries(data).sort(([left], [right]) => (left < right ? -1 : 1)).map(([key, value]): [string, string] => [prefix + key, value])
})

/** An optional file may be missing or wrong, an optional key be missing or empty. */
const fromFile = ({ volumeName, path: file, key, optional }: FileKeySelector, { file: read }: EnvironmentFacts): string | undefined => {
  let value: string
  try {
    value = valueInEnvFile(read(volumeName, file), key)
  } catch (error) {
    if (optional) return undefined
    throw new ConfigError(`couldn't parse env file: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
  if (value !== '') return value
  if (optional) return undefined
  throw new ConfigError(`environment variable key ${JSON.stringify(key)} not found in file ${JSON.stringify(file)}`)
}

/** undefined: an optional reference to nothing, the variable is left out. */
const resolve = (pod: Pod, container: Container, { valueFrom }: EnvVar, facts: EnvironmentFacts): string | undefined => {
  if (valueFrom?.fieldRef) return fieldValue(pod, valueFrom.fieldRef, facts)
  if (valueFrom?.resourceFieldRef) return resourceValue(pod, valueFrom.resourceFieldRef, container, facts.allocatable)
  if (valueFrom?.fileKeyRef) return fromFile(valueFrom.fileKeyRef, facts)
  const reference = valueFrom?.configMapKeyRef ?? valueFrom?.secretKeyRef
  if (!reference) return ''
  const secret = valueFrom?.secretKeyRef ? facts.secret(reference.name ?? '') : undefined
  const configMap = valueFrom?.configMapKeyRef ? facts.configMap(reference.name ?? '') : undefined
  const word = valueFrom?.configMapKeyRef ? 'ConfigMap' : 'Secret'
  if (!secret && !configMap) {
    if (reference.optional) return undefined
    throw new ConfigError(`${word.toLowerCase()} ${JSON.stringify(reference.name ?? '')} not found`)
  }
  const data = secret ? decode(secret) : (configMap?.data ?? {})
  if (Object.hasOwn(data, reference.key)) return data[reference.key] ?? ''
  if (reference.optional) return undefined
  throw new ConfigError(`couldn't find key ${reference.key} in ${word} ${pod.metadata.namespace ?? ''}/${reference.name ?? ''}`)
}
