/** The file of --encryption-provider-config. Mirrors `pkg/apis/apiserver/validation/validation_encryption.go`. */
import type { JsonObject } from '../../api/meta.ts'
import { type FieldError, fieldError } from '../../api/status.ts'
import { parseDuration } from '../../api/duration.ts'
import { isObject, parseConfigurationFile, type Shape, shapeErrors } from '../configuration-file.ts'

export interface NamedKey { name: string; secret: string }
export type Provider =
  | { type: 'identity' }
  | { type: 'aescbc' | 'aesgcm' | 'secretbox'; keys: readonly NamedKey[] }
  | { type: 'kms'; name: string; endpoint: string; timeoutMs: number }

export interface EncryptionConfiguration {
  /** In order: the first whose resources match counts, an exact name before a wildcard. */
  resources: readonly { resources: readonly string[]; providers: readonly Provider[] }[]
}

const fileShape: Shape = { apiVersion: 'string', kind: 'string', resources: 'objects' }
const resourceShape: Shape = { resources: 'strings', providers: 'objects' }
const providerShape: Shape = { identity: 'object', aescbc: 'object', aesgcm: 'object', secretbox: 'object', kms: 'object' }
const keysShape: Shape = { keys: 'objects' }
const keyShape: Shape = { name: 'string', secret: 'string' }
const kmsShape: Shape = { apiVersion: 'string', name: 'string', endpoint: 'string', timeout: 'string', cachesize: 'number' }

const sizes = { aescbc: [16, 24, 32], aesgcm: [16, 24, 32], secretbox: [32] } as const
const usualTimeoutMs = 3000

const secretErrors = (secret: string, allowed: readonly number[], at: string): FieldError[] => {
  if (secret === '') return [fieldError.required(at, 'secret is required')]
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(secret) || secret.length % 4 !== 0) return [{ ...fieldError.invalid(at, 'REDACTED', 'secrets must be base64 encoded') }]
  const { length } = Buffer.from(secret, 'base64')
  return allowed.includes(length) ? [] : [fieldError.invalid(at, 'REDACTED', `secret is not of the expected length, got ${length}, expected one of [${allowed.join(' ')}]`)]
}

const keysErrors = (type: keyof typeof sizes, value: JsonObject, at: string): FieldError[] => {
  const shape = shapeErrors(value, keysShape, `${at}.`)
  if (shape.length > 0) return shape
  const keys = (value['keys'] ?? []) as JsonObject[]
  if (keys.length === 0) return [fieldError.required(`${at}.keys`, 'at least one key is required')]
  return keys.flatMap((key, index) => {
    const path = `${at}.keys[${index}]`
    const wrong = shapeErrors(key, keyShape, `${path}.`)
    if (wrong.length > 0) return wrong.map((error) => (error.path === `${path}.secret` ? fieldError.invalid(error.path, 'REDACTED', 'must be a string') : error))
    const { name = '', secret = '' } = key as { name?: string; secret?: string }
    return [
      ...(name === '' ? [fieldError.required(`${path}.name`, 'key name is required')] : name.includes(':') ? [fieldError.invalid(`${path}.name`, name, 'may not contain a colon')] : []),
      ...(keys.findIndex((other) => other['name'] === name) < index ? [fieldError.duplicate(`${path}.name`, name)] : []),
      ...secretErrors(secret, sizes[type], `${path}.secret`),
    ]
  })
}

const endpointErrors = (endpoint: string, at: string): FieldError[] => {
  if (endpoint === '') return [fieldError.required(at, 'endpoint is required')]
  if (/^unix:\/\/(\/|@).+/.test(endpoint)) return []
  // A key file of this machine: Wherry's own addition.
  return /^file:\/\/\/.+/.test(endpoint) ? [] : [fieldError.invalid(at, endpoint, 'unsupported scheme: unix:///path/to/socket of a KMS v2 plugin, or file:///path/to/key for a key of this machine')]
}

const kmsErrors = (value: JsonObject, at: string): FieldError[] => {
  const shape = shapeErrors(value, kmsShape, `${at}.`)
  if (shape.length > 0) return shape
  const { apiVersion = 'v1', name = '', endpoint = '', timeout } = value as { apiVersion?: string; name?: string; endpoint?: string; timeout?: string }
  return [
    ...(apiVersion === 'v2' ? [] : [fieldError.invalid(`${at}.apiVersion`, apiVersion, apiVersion === 'v1' ? 'KMS version v1 is deprecated and not supported; use v2' : 'unsupported apiVersion; use v2')]),
    ...(value['cachesize'] === undefined ? [] : [fieldError.invalid(`${at}.cachesize`, value['cachesize'], 'cachesize is not supported in v2')]),
    ...(name === '' ? [fieldError.required(`${at}.name`, 'name is required')] : /^[a-zA-Z0-9-]+$/.test(name) ? [] : [fieldError.invalid(`${at}.name`, name, 'may hold letters, digits and dashes only')]),
    ...endpointErrors(endpoint, `${at}.endpoint`),
    ...(timeout === undefined || (parseDuration(timeout) ?? 0) > 0 ? [] : [fieldError.invalid(`${at}.timeout`, timeout, 'must be a positive duration')]),
  ]
}

const providerErrors = (provider: JsonObject, at: string): FieldError[] => {
  const shape = shapeErrors(provider, providerShape, `${at}.`)
  if (shape.length > 0) return shape
  const types = Object.keys(provider).filter((type) => provider[type] !== null)
  const [type] = types
  if (types.length !== 1 || type === undefined) return [fieldError.invalid(at, types, types.length === 0 ? 'provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity' : 'more than one provider specified in a single element, should split into different list elements')]
  const value = provider[type]
  if (!isObject(value)) return []
  if (type === 'identity') return shapeErrors(value, {}, `${at}.identity.`)
  return type === 'kms' ? kmsErrors(value, `${at}.kms`) : keysErrors(type as keyof typeof sizes, value, `${at}.${type}`)
}

const resourceErrors = (resource: string, at: string, earlier: readonly string[]): FieldError[] => {
  if (resource === '' || (resource.includes('*') && !/^\*\.([^*]*|\*)$/.test(resource))) return [fieldError.invalid(at, resource, 'must be a resource or resource.group, *.group for all of a group, *. for the core group, or *.*')]
  if (resource !== resource.toLowerCase()) return [fieldError.invalid(at, resource, 'resource name should be lowercase')]
  if (resource.includes('/')) return [fieldError.invalid(at, resource, 'subresources cannot be encrypted by themselves')]
  const group = resource.includes('.') ? resource.slice(resource.indexOf('.') + 1) : ''
  const masked = earlier.find((each) => each === resource || each === '*.*' || (each !== '*.*' && each.startsWith('*.') && each.slice(2) === group))
  return masked === undefined ? [] : [fieldError.invalid(at, resource, masked === resource ? 'same resource cannot be specified more than once' : `the wildcard ${masked} before it covers it already`)]
}

const errorsOf = (value: JsonObject): FieldError[] => {
  const shape = shapeErrors(value, fileShape, '')
  if (shape.length > 0) return shape
  const entries = (value['resources'] ?? []) as JsonObject[]
  if (entries.length === 0) return [fieldError.required('resources', 'at least one resource configuration is required')]
  const seen: string[] = []
  return entries.flatMap((entry, index) => {
    const at = `resources[${index}]`
    const wrong = shapeErrors(entry, resourceShape, `${at}.`)
    if (wrong.length > 0) return wrong
    const [names, providers] = [(entry['resources'] ?? []) as string[], (entry['providers'] ?? []) as JsonObject[]]
    return [
      ...(names.length === 0 ? [fieldError.required(`${at}.resources`, 'at least one resource is required')] : []),
      ...names.flatMap((name, position) => {
        const errors = resourceErrors(name, `${at}.resources[${position}]`, seen)
        seen.push(name)
        return errors
      }),
      ...(providers.length === 0 ? [fieldError.required(`${at}.providers`, 'at least one provider is required')] : []),
      ...providers.flatMap((provider, position) => providerErrors(provider, `${at}.providers[${position}]`)),
    ]
  })
}

const providerOf = (value: JsonObject): Provider => {
  const [[type, given] = ['identity', {}]] = Object.entries(value)
  if (type === 'identity') return { type }
  const settings = given as unknown as { keys: NamedKey[]; name: string; endpoint: string; timeout?: string }
  if (type === 'kms') return { type, name: settings.name, endpoint: settings.endpoint, timeoutMs: parseDuration(settings.timeout ?? '') ?? usualTimeoutMs }
  return { type: type as keyof typeof sizes, keys: settings.keys }
}

/** Throws ConfigurationFileError; no error shows a key. */
export const parseEncryptionConfiguration = (text: string, file: string): EncryptionConfiguration => {
  const value = parseConfigurationFile(text, file, { apiVersions: ['apiserver.config.k8s.io/v1'], kind: 'EncryptionConfiguration', errors: errorsOf })
  return { resources: (value['resources'] as JsonObject[]).map((entry) => ({ resources: entry['resources'] as string[], providers: (entry['providers'] as JsonObject[]).map(providerOf) })) }
}
