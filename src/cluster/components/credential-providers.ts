/** `--image-credential-provider-config` and `--image-credential-provider-bin-dir`: read once, when the kubelet starts; what is wrong with them keeps it from starting, as upstream's. */
import { accessSync, constants, readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { type CredentialProvider, parseCredentialProviders } from '../../../agents/kubelet/images/credential-provider/configuration.ts'
import type { Flags } from '../flags.ts'
import { UserError } from '../user-error.ts'

export interface CredentialProviderSettings { providers: readonly CredentialProvider[]; directory: string }

export const credentialProviderFlags = ['image-credential-provider-config', 'image-credential-provider-bin-dir'] as const

/** Of a directory every file that is YAML or JSON, in the order of their names. */
const filesAt = (place: string): string[] => {
  if (!statSync(place).isDirectory()) return [place]
  const files = readdirSync(place, { withFileTypes: true }).filter((entry) => !entry.isDirectory() && /\.(?:json|ya?ml)$/.test(entry.name)).map(({ name }) => path.join(place, name)).sort()
  if (files.length === 0) throw new Error(`no configuration files found in directory ${JSON.stringify(place)}`)
  return files
}

const settingsAt = (place: string, directory: string): CredentialProviderSettings => {
  const providers = parseCredentialProviders(filesAt(place).map((file) => ({ file, text: readFileSync(file, 'utf8') })))
  for (const { name } of providers) {
    try { accessSync(path.join(directory, name), constants.X_OK) } catch { throw new Error(`there is no program ${path.join(directory, name)} that can be run, which ${place} names`) }
  }
  return { providers, directory }
}

export const credentialProvidersOf = (flags: Flags): CredentialProviderSettings | undefined => {
  const [place, directory] = credentialProviderFlags.map((flag) => flags.get(flag))
  if (place === undefined && directory === undefined) return undefined
  const fail = (why: string): never => { throw new UserError(`wherry kubelet: --${credentialProviderFlags[0]}: ${why}`, 2) }
  if (place === undefined || directory === undefined) return fail(`it and --${credentialProviderFlags[1]} need one another`)
  try { return settingsAt(place, directory) } catch (error) { return fail(error instanceof Error ? error.message : String(error)) }
}
