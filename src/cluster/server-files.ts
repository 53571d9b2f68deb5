/** Files that configure the API server of a cluster that `up` made: copies in its data directory, which only root reads and which the server follows. */
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { parseEncryptionConfiguration } from '../apiserver/encryption/configuration.ts'
import { parseAuthenticationConfiguration } from '../apiserver/authentication/jwt/authentication-configuration.ts'
import { ConfigurationFileError } from '../apiserver/configuration-file.ts'
import type { ClusterConfig } from './config.ts'
import type { Home } from './home.ts'
import { UserError } from './user-error.ts'

/** Flags of `wherry apiserver` that name such a file. */
export const serverFileFlags = ['encryption-provider-config', 'authentication-config'] as const
export type ServerFileFlag = (typeof serverFileFlags)[number]

export interface ServerFileOptions {
  /** Secrets are to be encrypted, with a key that is made here. */
  encryptSecrets?: boolean
  /** A file of one's own instead. */
  encryptionProviderConfig?: string
  authenticationConfig?: string
}

const checks: Readonly<Record<ServerFileFlag, (text: string, file: string) => unknown>> = { 'encryption-provider-config': parseEncryptionConfiguration, 'authentication-config': (text, file) => parseAuthenticationConfiguration(text, file) }

/** Beside the certificates: mounted where the server runs, at the same path. */
const fileOf = (home: Home, flag: ServerFileFlag): string => path.join(home.pki, `${flag}.yaml`)

const write = async (file: string, text: string): Promise<void> => {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
  await writeFile(`${file}.new`, text, { mode: 0o600 })
  await rename(`${file}.new`, file)
}

/** Secrets under a key of this machine; what was written before it is read, too. */
const localEncryption = (keyFile: string): string => `apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
  - resources: [secrets]
    providers:
      - kms: { apiVersion: v2, name: local, endpoint: "file://${keyFile}" }
      - identity: {}
`

const given = async (flag: ServerFileFlag, file: string): Promise<string> => {
  const text = await readFile(file, 'utf8').catch((error: Error) => { throw new UserError(`--${flag}: ${error.message}`) })
  try {
    checks[flag](text, file)
  } catch (error) {
    throw error instanceof ConfigurationFileError ? new UserError(`--${flag}: ${error.message}`) : error
  }
  return text
}

/** Puts the files where they belong; the configuration then names those that there are. Asking for what stands already changes nothing. */
export const installServerFiles = async (home: Home, config: ClusterConfig, options: ServerFileOptions): Promise<ClusterConfig> => {
  const { encryptSecrets, encryptionProviderConfig } = options
  if (encryptSecrets && encryptionProviderConfig !== undefined) throw new UserError('--encrypt-secrets makes a configuration and a key: it does not go together with --encryption-provider-config', 2)
  const files = new Set(config.serverFiles ?? [])
  if (encryptSecrets && !files.has('encryption-provider-config')) {
    const keyFile = path.join(home.pki, 'encryption.key')
    // A key that is there may be needed for what was written with it.
    if (await readFile(keyFile).catch(() => undefined) === undefined) await write(keyFile, `${randomBytes(32).toString('base64')}\n`)
    await write(fileOf(home, 'encryption-provider-config'), localEncryption(keyFile))
    files.add('encryption-provider-config')
  }
  for (const [flag, file] of [['encryption-provider-config', encryptionProviderConfig], ['authentication-config', options.authenticationConfig]] as const) {
    if (file === undefined) continue
    await write(fileOf(home, flag), await given(flag, file))
    files.add(flag)
  }
  return files.size === (config.serverFiles ?? []).length ? config : { ...config, serverFiles: [...files] }
}

/** The flags of the API server that name the files; those that are not there are empty, as if they had not been given. */
export const serverFileArguments = (home: Home, { serverFiles = [] }: ClusterConfig): Record<ServerFileFlag, string> =>
  Object.fromEntries(serverFileFlags.map((flag) => [flag, serverFiles.includes(flag) ? fileOf(home, flag) : ''])) as Record<ServerFileFlag, string>
