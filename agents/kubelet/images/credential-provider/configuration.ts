/** `--image-credential-provider-config`: which programs are asked for credentials of which images. Mirrors pkg/credentialprovider/plugin/config.go (CredentialProviderConfig of kubelet.config.k8s.io). Pure. */
import { parse } from 'yaml'
import { parseDuration } from '../../../../src/api/duration.ts'
import { isQualifiedName } from '../../../../src/api/names.ts'

export interface TokenAttributes {
  audience: string
  requireServiceAccount: boolean
  /** Whether what a plugin says is good for all pods of a service account, or for one token. */
  cacheType: 'ServiceAccount' | 'Token'
  requiredAnnotations: readonly string[]
  optionalAnnotations: readonly string[]
}

export interface CredentialProvider {
  name: string
  /** Of the request; the answer must have the same. */
  apiVersion: string
  matchImages: readonly string[]
  defaultCacheMilliseconds: number
  args: readonly string[]
  env: readonly { name: string; value: string }[]
  tokenAttributes: TokenAttributes | undefined
}

type Fields = Readonly<Record<string, unknown>>
/** Says what is wrong with a field, never returning. */
type Fail = (field: string, why: string) => never

const configVersions = ['v1', 'v1beta1', 'v1alpha1'].map((version) => `kubelet.config.k8s.io/${version}`)
const pluginVersions = ['v1', 'v1beta1', 'v1alpha1'].map((version) => `credentialprovider.kubelet.k8s.io/${version}`)
const providerFields = ['name', 'matchImages', 'defaultCacheDuration', 'apiVersion', 'args', 'env', 'tokenAttributes']
const tokenFields = ['serviceAccountTokenAudience', 'requireServiceAccount', 'cacheType', 'requiredServiceAccountAnnotationKeys', 'optionalServiceAccountAnnotationKeys']

const isMap = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)
const listOf = (value: unknown, field: string, fail: Fail): unknown[] => (value === undefined || value === null ? [] : Array.isArray(value) ? value : fail(field, 'must be a list'))
const textOf = (value: unknown, field: string, fail: Fail): string => (typeof value === 'string' ? value : fail(field, 'must be a text'))
const textsOf = (value: unknown, field: string, fail: Fail): string[] => listOf(value, field, fail).map((each) => textOf(each, field, fail))
const checkFields = (fields: Fields, known: readonly string[], fail: Fail): void => { for (const field of Object.keys(fields)) if (!known.includes(field)) fail(field, `is not known: ${known.join(', ')} are`) }

const annotationsOf = (value: unknown, field: string, fail: Fail): string[] => {
  const keys = textsOf(value, field, fail)
  for (const [index, key] of keys.entries()) {
    const [problem] = isQualifiedName(key.toLowerCase())
    if (problem !== undefined) fail(field, `cannot have ${JSON.stringify(key)}: ${problem}`)
    if (keys.indexOf(key) !== index) fail(field, `has ${JSON.stringify(key)} twice`)
  }
  return keys
}

const tokenAttributesOf = (value: unknown, apiVersion: string, fail: Fail): TokenAttributes => {
  const fields = isMap(value) ? value : fail('', 'must be a map')
  checkFields(fields, tokenFields, fail)
  if (apiVersion !== pluginVersions[0]) fail('', `is only supported for ${pluginVersions[0] ?? ''}`)
  const { serviceAccountTokenAudience: audience = '', requireServiceAccount, cacheType } = fields
  const required = annotationsOf(fields['requiredServiceAccountAnnotationKeys'], 'requiredServiceAccountAnnotationKeys', fail)
  const optional = annotationsOf(fields['optionalServiceAccountAnnotationKeys'], 'optionalServiceAccountAnnotationKeys', fail)
  if (textOf(audience, 'serviceAccountTokenAudience', fail) === '') fail('serviceAccountTokenAudience', 'is required')
  if (typeof requireServiceAccount !== 'boolean') return fail('requireServiceAccount', 'is required: true or false')
  if (cacheType !== 'ServiceAccount' && cacheType !== 'Token') return fail('cacheType', 'is required: ServiceAccount or Token')
  if (!requireServiceAccount && required.length > 0) fail('requiredServiceAccountAnnotationKeys', 'cannot be set where requireServiceAccount is false')
  const both = required.filter((key) => optional.includes(key))
  if (both.length > 0) fail('', `annotation keys cannot be both required and optional: ${both.join(', ')}`)
  return { audience: audience as string, requireServiceAccount, cacheType, requiredAnnotations: required, optionalAnnotations: optional }
}

const isImagePattern = (text: string): boolean => text !== '' && !/\s/.test(text) && URL.canParse(`https://${text.replaceAll(/[*?[\]]/g, 'x')}`)

const providerOf = (fields: Fields, fail: Fail): CredentialProvider => {
  checkFields(fields, providerFields, fail)
  const name = textOf(fields['name'] ?? '', 'name', fail)
  if (name === '' || name === '.' || name === '..' || /[/ ]/.test(name)) fail('name', `must be the name of a program, not ${JSON.stringify(name)}`)
  const apiVersion = textOf(fields['apiVersion'] ?? '', 'apiVersion', fail)
  if (!pluginVersions.includes(apiVersion)) fail('apiVersion', `must be one of ${pluginVersions.join(', ')}`)
  const matchImages = textsOf(fields['matchImages'], 'matchImages', fail)
  if (matchImages.length === 0) fail('matchImages', 'must have at least one item')
  for (const each of matchImages) if (!isImagePattern(each)) fail('matchImages', `cannot have ${JSON.stringify(each)}: an image is matched by a registry and a path, like *.registry.example/team`)
  const duration = fields['defaultCacheDuration']
  const milliseconds = typeof duration === 'string' ? parseDuration(duration) : undefined
  if (milliseconds === undefined || milliseconds < 0) return fail('defaultCacheDuration', 'is required: a duration like 5m')
  const env = listOf(fields['env'], 'env', fail).map((each) => {
    const { name: variable, value = '', ...more } = isMap(each) ? each : fail('env', 'must be a list of names and values')
    if (Object.keys(more).length > 0) fail('env', `has ${Object.keys(more).join(', ')}, which is not known: name and value are`)
    return { name: textOf(variable, 'env', fail), value: textOf(value, 'env', fail) }
  })
  const attributes = fields['tokenAttributes']
  const within: Fail = (field, why) => fail(field ? `tokenAttributes.${field}` : 'tokenAttributes', why)
  return {
    name, apiVersion, matchImages, defaultCacheMilliseconds: milliseconds, args: textsOf(fields['args'], 'args', fail), env,
    tokenAttributes: attributes === undefined || attributes === null ? undefined : tokenAttributesOf(attributes, apiVersion, within),
  }
}

/** Of one or several files, in their order. Throws with the file's and the field's name. */
export const parseCredentialProviders = (files: readonly { file: string; text: string }[]): CredentialProvider[] => {
  const names = new Set<string>()
  const all = files.flatMap(({ file, text }) => {
    const fail: Fail = (field, why) => { throw new Error(`${file}: ${field} ${why}`) }
    let parsed: unknown
    try { parsed = parse(text) } catch (error) { return fail('the file', `is no YAML: ${error instanceof Error ? error.message : String(error)}`) }
    const fields = isMap(parsed) ? parsed : fail('the file', 'must hold a CredentialProviderConfig')
    if (fields['kind'] !== 'CredentialProviderConfig' || !configVersions.includes(String(fields['apiVersion']))) fail('the file', `must have kind CredentialProviderConfig and apiVersion ${configVersions[0] ?? ''}`)
    checkFields(fields, ['apiVersion', 'kind', 'providers'], fail)
    return listOf(fields['providers'], 'providers', fail).map((each, index) => {
      const within: Fail = (field, why) => fail(`providers[${index}]${field && `.${field}`}`, why)
      const provider = providerOf(isMap(each) ? each : within('', 'must be a map'), within)
      if (names.has(provider.name)) within('name', `is ${JSON.stringify(provider.name)}, as another one's`)
      names.add(provider.name)
      return provider
    })
  })
  if (all.length === 0) throw new Error(`${files.map(({ file }) => file).join(', ')}: providers must have at least one item`)
  return all
}
