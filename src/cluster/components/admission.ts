/** Upstream's --admission-control-config-file and --enable-/--disable-admission-plugins: what admission does besides what it does everywhere. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { type AdmissionConfiguration, parseAdmissionConfiguration } from '../../apiserver/admission/configuration/admission-configuration.ts'
import { userFor } from '../../apiserver/admission/configuration/webhook-configuration.ts'
import { switchablePlugins } from '../../apiserver/admission/built-in.ts'
import { ConfigurationFileError } from '../../apiserver/configuration-file.ts'
import type { WebhookCredentials } from '../../apiserver/outbound/call-webhook.ts'
import { KubeconfigError, loadKubeconfig, userAccess } from '../../client/kubeconfig.ts'
import { authorization, read } from '../../client/server-access.ts'
import type { Flags } from '../flags.ts'
import { UserError } from '../user-error.ts'

export const admissionFlags = ['admission-control-config-file', 'enable-admission-plugins', 'disable-admission-plugins'] as const

export interface AdmissionSource {
  configuration: AdmissionConfiguration
  credentials: { mutating?: WebhookCredentials | undefined; validating?: WebhookCredentials | undefined }
  /** Names of plugins that do not run. */
  disabled: readonly string[]
}

const refused = (flag: string, why: string): UserError => new UserError(`wherry apiserver: --${flag}: ${why}`)

const credentialsOf = (file: string | undefined): WebhookCredentials | undefined => {
  if (file === undefined) return undefined
  const config = loadKubeconfig([file])
  return async (host, port) => {
    const name = userFor(host, port, (each) => config.users.has(each))
    const access = name === undefined ? undefined : userAccess(config, name)
    if (!access) return undefined
    const [shown, certificate, key] = await Promise.all([authorization({ server: '', ...access }), read(access.clientCertificate), read(access.clientKey)])
    return { authorization: shown, certificate, key }
  }
}

const pluginsOf = (flags: Flags, flag: 'enable-admission-plugins' | 'disable-admission-plugins'): string[] => {
  const names = (flags.get(flag) ?? '').split(',').map((each) => each.trim()).filter((each) => each !== '')
  for (const name of names) if (!switchablePlugins.includes(name)) throw refused(flag, `${JSON.stringify(name)} is not part of this server; known are ${switchablePlugins.join(', ')}`)
  return names
}

/** The text of a configuration and of what it names: a file that is not there, or is wrong, is an error that names it. */
export const readAdmissionConfiguration = (file: string): AdmissionConfiguration =>
  parseAdmissionConfiguration(readFileSync(file, 'utf8'), file, (name) => { const own = path.resolve(path.dirname(file), name); return { file: own, text: readFileSync(own, 'utf8') } })

/** Plugins that run unless they are disabled need not be enabled. */
export const admissionFrom = (flags: Flags): AdmissionSource => {
  const [enabled, disabled] = [pluginsOf(flags, 'enable-admission-plugins'), pluginsOf(flags, 'disable-admission-plugins')]
  const both = enabled.find((name) => disabled.includes(name))
  if (both !== undefined) throw refused('enable-admission-plugins', `[${both}] in enable-admission-plugins and disable-admission-plugins overlapped`)
  const file = flags.get('admission-control-config-file')
  if (file === undefined) return { configuration: {}, credentials: {}, disabled }
  try {
    const configuration = readAdmissionConfiguration(file)
    return { configuration, credentials: { mutating: credentialsOf(configuration.mutatingKubeconfig), validating: credentialsOf(configuration.validatingKubeconfig) }, disabled }
  } catch (error) {
    const known = error instanceof ConfigurationFileError || error instanceof KubeconfigError || (error as NodeJS.ErrnoException).code !== undefined
    throw known ? refused('admission-control-config-file', (error as Error).message) : error
  }
}
