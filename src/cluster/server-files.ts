/** How the API server of a cluster that `up` made is configured: kube-apiserver's flags, and copies of the files that they name in its data directory, which only root reads and which the server follows. */
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { parse, stringify } from 'yaml'
import type { ClusterConfig } from './config.ts'
import type { Home } from './home.ts'
import { serverFlags, serverFlagsIn } from './server-flags.ts'
import { UserError } from './user-error.ts'

export interface ServerFileOptions {
  /** Secrets are to be encrypted, with a key that is made here. */
  encryptSecrets?: boolean
}

const fileFlags: readonly string[] = serverFlags.filter(({ kind }) => kind === 'file').map(({ name }) => name)

/** Beside the certificates: mounted where the server runs, at the same path. */
const fileOf = (home: Home, flag: string): string => path.join(home.pki, `${flag}.yaml`)

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

/** A copy lies elsewhere: plugins' own files keep their places. */
const withWholeNames = (text: string, file: string): string => {
  const value = parse(text) as { plugins?: { path?: string }[] }
  for (const plugin of value.plugins ?? []) if (plugin.path) plugin.path = path.resolve(path.dirname(file), plugin.path)
  return stringify(value)
}

/** Of a kubeconfig, too, what it names keeps its place. */
const withWholeFiles = (text: string, file: string): string => {
  const value = parse(text) as { clusters?: { cluster?: Record<string, unknown> }[]; users?: { user?: Record<string, unknown> }[] }
  for (const entry of [...(value.clusters ?? []).map(({ cluster }) => cluster), ...(value.users ?? []).map(({ user }) => user)]) {
    for (const name of ['certificate-authority', 'client-certificate', 'client-key', 'tokenFile']) if (entry && typeof entry[name] === 'string') entry[name] = path.resolve(path.dirname(file), entry[name])
  }
  return stringify(value)
}

const read = async (flag: string, file: string): Promise<string> => {
  const text = await readFile(file, 'utf8').catch((error: Error) => { throw new UserError(`--${flag}: ${error.message}`) })
  return flag === 'admission-control-config-file' ? withWholeNames(text, file) : flag === 'audit-webhook-config-file' ? withWholeFiles(text, file) : text
}

const isSame = (one: object = {}, other: object = {}): boolean => JSON.stringify(one) === JSON.stringify(other)

/** Puts the files where they belong; the configuration then names what there is. Asking for what stands already changes nothing, an empty value takes a flag back. What is wrong is told before anything is changed. */
export const installServerFiles = async (home: Home, config: ClusterConfig, options: ServerFileOptions & Readonly<Record<string, unknown>>): Promise<ClusterConfig> => {
  const asked = serverFlagsIn(options)
  if (options.encryptSecrets && asked['encryption-provider-config'] !== undefined) throw new UserError('--encrypt-secrets makes a configuration and a key: it does not go together with --encryption-provider-config', 2)
  const files = new Set(config.serverFiles ?? [])
  const values: Record<string, string> = { ...config.serverFlags }
  for (const { name, kind } of serverFlags) if (kind === 'log' && asked[name] && asked[name] !== '-') asked[name] = path.resolve(asked[name])
  // The whole server stands behind it: only asked for when there is something to check.
  if (Object.keys(asked).length > 0) await (await import('./components/server-options.ts')).checkServerOptions({ ...serverArguments(home, config), ...asked })
  if (options.encryptSecrets && !files.has('encryption-provider-config')) {
    const keyFile = path.join(home.pki, 'encryption.key')
    // A key that is there may be needed for what was written with it.
    if (await readFile(keyFile).catch(() => undefined) === undefined) await write(keyFile, `${randomBytes(32).toString('base64')}\n`)
    await write(fileOf(home, 'encryption-provider-config'), localEncryption(keyFile))
    files.add('encryption-provider-config')
  }
  for (const [flag, value] of Object.entries(asked)) {
    if (fileFlags.includes(flag)) {
      if (value !== '') await write(fileOf(home, flag), await read(flag, value))
      if (value === '') files.delete(flag)
      else files.add(flag)
    } else if (value === '') delete values[flag]
    else values[flag] = value
  }
  const unchanged = isSame([...files].sort(), [...config.serverFiles ?? []].sort()) && isSame(values, config.serverFlags)
  return unchanged ? config : { ...config, serverFiles: [...files], ...(Object.keys(values).length > 0 || config.serverFlags ? { serverFlags: values } : {}) }
}

/** The flags of the API server, by name. */
export const serverArguments = (home: Home, { serverFiles = [], serverFlags: values = {} }: ClusterConfig): Record<string, string> => ({
  ...Object.fromEntries(serverFiles.map((flag) => [flag, fileOf(home, flag)])), ...values, ...(serverFiles.includes('encryption-provider-config') && { 'encryption-provider-config-automatic-reload': 'true' }),
})

/** Directories in which the server writes: logs. */
export const serverDirectories = ({ serverFlags: values = {} }: ClusterConfig): string[] =>
  [...new Set(serverFlags.flatMap(({ name, kind }) => (kind === 'log' && values[name] && values[name] !== '-' ? [path.dirname(values[name])] : [])))]
