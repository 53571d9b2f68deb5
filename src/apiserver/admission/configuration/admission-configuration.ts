/** The file of --admission-control-config-file, and the configurations of plugins that it names or holds. Mirrors `k8s.io/apiserver/pkg/admission/config.go`. */
import type { JsonObject } from '../../../api/meta.ts'
import { type FieldError, fieldError } from '../../../api/status.ts'
import { type FileKind, isObject, parseConfigurationFile, shapeErrors } from '../../configuration-file.ts'
import { type PodSecurityConfiguration, podSecurityConfiguration, podSecurityFile } from './pod-security-configuration.ts'
import { type LimitedResource, quotaFile } from './quota-configuration.ts'
import { webhookFile } from './webhook-configuration.ts'

export interface AdmissionConfiguration {
  podSecurity?: PodSecurityConfiguration
  limitedResources?: readonly LimitedResource[]
  /** Kubeconfigs with which MutatingAdmissionWebhook and ValidatingAdmissionWebhook show who the server is. */
  mutatingKubeconfig?: string
  validatingKubeconfig?: string
}

/** What each plugin's configuration is. */
const files: Readonly<Record<string, FileKind>> = {
  PodSecurity: podSecurityFile, ResourceQuota: quotaFile, MutatingAdmissionWebhook: webhookFile, ValidatingAdmissionWebhook: webhookFile,
}
/** Plugins of upstream's that take a configuration and are not among those that run by default: they do not exist here. */
const absent = new Set(['EventRateLimit', 'ImagePolicyWebhook', 'PodNodeSelector', 'PodTolerationRestriction'])

const nestedErrors = (value: unknown, kind: FileKind, at: string): FieldError[] => {
  if (!isObject(value)) return [fieldError.required(at)]
  if (!(kind.apiVersions as readonly unknown[]).includes(value['apiVersion'])) return [fieldError.notSupported(`${at}.apiVersion`, value['apiVersion'] ?? '', kind.apiVersions)]
  if (value['kind'] !== kind.kind) return [fieldError.notSupported(`${at}.kind`, value['kind'] ?? '', [kind.kind])]
  return kind.errors(value).map((error) => ({ ...error, path: `${at}.${error.path}` }))
}

const pluginErrors = (plugin: JsonObject, at: string): FieldError[] => {
  const shape = shapeErrors(plugin, { name: 'string', path: 'string', configuration: 'object' }, `${at}.`)
  if (shape.length > 0) return shape
  const { name, path, configuration } = plugin as { name?: string; path?: string; configuration?: JsonObject }
  if (!name) return [fieldError.required(`${at}.name`)]
  if (absent.has(name)) return [fieldError.forbidden(`${at}.name`, `the plugin ${name} is not part of this server`)]
  const kind = Object.hasOwn(files, name) ? files[name] : undefined
  if (!kind) return [fieldError.notSupported(`${at}.name`, name, Object.keys(files))]
  return path || configuration === undefined ? [] : nestedErrors(configuration, kind, `${at}.configuration`)
}

const fileKind: FileKind = {
  apiVersions: ['apiserver.config.k8s.io/v1', 'apiserver.k8s.io/v1alpha1'], kind: 'AdmissionConfiguration',
  errors: (value) => {
    const shape = shapeErrors(value, { apiVersion: 'string', kind: 'string', plugins: 'objects' }, '')
    if (shape.length > 0) return shape
    const plugins = (value['plugins'] ?? []) as JsonObject[]
    const names = plugins.map(({ name }) => name)
    return plugins.flatMap((plugin, index) => [
      ...pluginErrors(plugin, `plugins[${index}]`), ...(names.indexOf(plugin['name']) < index ? [fieldError.duplicate(`plugins[${index}].name`, plugin['name'])] : []),
    ])
  },
}

/** `read` gives the text of a plugin's own file, whose name may be relative to this one's, and its full name. Throws ConfigurationFileError. */
export const parseAdmissionConfiguration = (text: string, file: string, read: (path: string) => { text: string; file: string }): AdmissionConfiguration => {
  const plugins = (parseConfigurationFile(text, file, fileKind)['plugins'] ?? []) as { name: string; path?: string; configuration?: JsonObject }[]
  const of = (name: string): JsonObject | undefined => {
    const plugin = plugins.find((each) => each.name === name)
    const kind = files[name]
    if (!plugin || !kind) return undefined
    if (!plugin.path) return plugin.configuration
    const own = read(plugin.path)
    return parseConfigurationFile(own.text, own.file, kind)
  }
  const kubeconfigOf = (name: string): string | undefined => of(name)?.['kubeConfigFile'] as string | undefined
  const [security, quota, mutating, validating] = [of('PodSecurity'), of('ResourceQuota'), kubeconfigOf('MutatingAdmissionWebhook'), kubeconfigOf('ValidatingAdmissionWebhook')]
  return {
    ...(security && { podSecurity: podSecurityConfiguration(security) }), ...(quota && { limitedResources: (quota['limitedResources'] ?? []) as unknown as LimitedResource[] }),
    ...(mutating && { mutatingKubeconfig: mutating }), ...(validating && { validatingKubeconfig: validating }),
  }
}

