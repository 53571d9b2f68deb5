/** What whoever runs the cluster may put into its data directory for the kubelets: a KubeletConfiguration, and who knows credentials for images. Machines that join get the same, in their own directory. */
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { credentialProvidersOf, type CredentialProviderSettings } from './components/credential-providers.ts'
import { parseKubeletConfiguration } from './components/kubelet-configuration.ts'
import { parseFlags } from './flags.ts'
import { UserError } from './user-error.ts'

const kubeletFile = 'kubelet.yaml'
const providersFile = 'credential-providers.yaml'
const programsDirectory = 'credential-providers'

export const providerFlags = (data: string): string[] =>
  (existsSync(path.join(data, providersFile)) ? [`--image-credential-provider-config=${path.join(data, providersFile)}`, `--image-credential-provider-bin-dir=${path.join(data, programsDirectory)}`] : [])

/** For a kubelet that finds the files in `data`; read when it starts. */
export const configurationFlags = (data: string): string[] => [...(existsSync(path.join(data, kubeletFile)) ? [`--config=${path.join(data, kubeletFile)}`] : []), ...providerFlags(data)]

/** Throws a UserError for what is wrong with them; undefined: nobody is named. */
export const providersIn = (data: string): CredentialProviderSettings | undefined =>
  credentialProvidersOf(parseFlags('kubelet', ['image-credential-provider-config', 'image-credential-provider-bin-dir'], providerFlags(data)))

/** On its way to a machine. `name`: where it lies, below the directory there; `content`: in base64. */
export interface ConfigurationFile { name: string; content: string; executable: boolean }

const mostBytes = 128 * 1024 * 1024

/** What a machine that joins is to have of it. Throws a UserError for what would keep its kubelet from starting. */
export const configurationFiles = (data: string): ConfigurationFile[] => {
  const fileOf = (name: string, executable: boolean): ConfigurationFile => ({ name, content: readFileSync(path.join(data, name)).toString('base64'), executable })
  const found: ConfigurationFile[] = []
  if (existsSync(path.join(data, kubeletFile))) {
    parseKubeletConfiguration(readFileSync(path.join(data, kubeletFile), 'utf8'), path.join(data, kubeletFile))
    found.push(fileOf(kubeletFile, false))
  }
  const providers = providersIn(data)
  if (providers) {
    if (lstatSync(path.join(data, providersFile)).isDirectory()) throw new UserError(`${path.join(data, providersFile)} is a directory: machines that join take one file`)
    found.push(fileOf(providersFile, false), ...[...new Set(providers.providers.map(({ name }) => name))].map((name) => fileOf(path.join(programsDirectory, name), true)))
  }
  if (found.reduce((sum, { content }) => sum + content.length, 0) > mostBytes) throw new UserError(`the programs in ${path.join(data, programsDirectory)} are too large to be sent to machines that join: more than ${mostBytes / 1024 / 1024} MiB`)
  return found
}

/** As it is to be from now on: what is not among `files` goes. Answers with the flags for the kubelet. */
export const placeConfiguration = (data: string, files: readonly ConfigurationFile[]): string[] => {
  mkdirSync(path.join(data, programsDirectory), { recursive: true, mode: 0o700 })
  const before = [kubeletFile, providersFile, ...readdirSync(path.join(data, programsDirectory)).map((name) => path.join(programsDirectory, name))]
  for (const { name, content, executable } of files) {
    // A program may be running: it is replaced, not written over.
    writeFileSync(path.join(data, `${name}.new`), Buffer.from(content, 'base64'), { mode: executable ? 0o700 : 0o600 })
    renameSync(path.join(data, `${name}.new`), path.join(data, name))
  }
  for (const name of before) if (!files.some((each) => each.name === name)) rmSync(path.join(data, name), { force: true, recursive: true })
  return configurationFlags(data)
}
