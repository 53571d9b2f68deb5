/** kubeconfig files: where clusters are and who we are there. Mirrors client-go `tools/clientcmd`. */
import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import { parse, stringify } from 'yaml'
import { yamlFault } from '../api/yaml-fault.ts'
import type { ServerAccess, Source } from './server-access.ts'

export interface KubeCluster {
  server: string
  'certificate-authority'?: string
  'certificate-authority-data'?: string
  'insecure-skip-tls-verify'?: boolean
  'tls-server-name'?: string
  'proxy-url'?: string
}

export interface KubeUser {
  'client-certificate'?: string
  'client-certificate-data'?: string
  'client-key'?: string
  'client-key-data'?: string
  token?: string
  tokenFile?: string
  username?: string
  password?: string
  exec?: { command?: string }
  'auth-provider'?: { name?: string }
  as?: string
  'as-uid'?: string
  'as-groups'?: readonly string[]
  'as-user-extra'?: Readonly<Record<string, readonly string[]>>
}

export interface KubeContext { cluster: string; user: string; namespace?: string }

/** One or several files, merged: of two entries of one name the first file's counts. Relative file names have been resolved. */
export interface Kubeconfig {
  clusters: ReadonlyMap<string, KubeCluster>
  users: ReadonlyMap<string, KubeUser>
  contexts: ReadonlyMap<string, KubeContext>
  currentContext: string
}

/** What is wrong with a kubeconfig, naming the file or entry and what to do. */
export class KubeconfigError extends Error { override readonly name = 'KubeconfigError' }

/** The files to read: what was asked for, else $KUBECONFIG (a list), else ~/.kube/config. */
export const kubeconfigFiles = (asked: string | undefined, environment: NodeJS.ProcessEnv): string[] => {
  if (asked) return [asked]
  const listed = (environment['KUBECONFIG'] ?? '').split(path.delimiter).filter(Boolean)
  return listed.length > 0 ? listed : [path.join(environment['HOME'] ?? homedir(), '.kube', 'config')]
}

interface File {
  kind?: string
  clusters?: { name: string; cluster: KubeCluster }[] | null
  users?: { name: string; user: KubeUser | null }[] | null
  contexts?: { name: string; context: KubeContext }[] | null
  'current-context'?: string
}

/** Parses one file's text; `file` is its name, for messages and for relative names in it. */
export const parseKubeconfig = (text: string, file: string): Kubeconfig => {
  const content = parsed(text, file)
  if (typeof content !== 'object' || content === null || Array.isArray(content)) throw new KubeconfigError(`${file} is no kubeconfig: it must be a YAML mapping with clusters, users and contexts`)
  const { kind, clusters, users, contexts, 'current-context': currentContext = '' } = content as File
  if (kind !== undefined && kind !== 'Config') throw new KubeconfigError(`${file} is no kubeconfig: its kind is ${JSON.stringify(kind)}, not "Config"`)
  const resolve = (name: string): string => path.resolve(path.dirname(file), name)
  const entries = <V>(list: readonly { name: string }[] | null | undefined, what: string, value: (entry: never) => V): Map<string, V> => {
    if (list !== undefined && list !== null && !Array.isArray(list)) throw new KubeconfigError(`${file}: ${what} must be a list`)
    return new Map((list ?? []).toReversed().map((entry) => [entry.name, value(entry as never)]))
  }
  const resolved = <T extends object>(entry: T, names: readonly (keyof T)[]): T =>
    Object.assign({ ...entry }, Object.fromEntries(names.flatMap((name) => (typeof entry[name] === 'string' && entry[name] !== '' ? [[name, resolve(entry[name])]] : []))))
  return {
    clusters: entries(clusters, 'clusters', ({ cluster }: { cluster: KubeCluster }) => resolved(cluster, ['certificate-authority'])),
    users: entries(users, 'users', ({ user }: { user: KubeUser | null }) => resolved(user ?? {}, ['client-certificate', 'client-key', 'tokenFile'])),
    contexts: entries(contexts, 'contexts', ({ context }: { context: KubeContext }) => context),
    currentContext,
  }
}

const parsed = (text: string, file: string): unknown => {
  try {
    return parse(text)
  } catch (error) {
    throw new KubeconfigError(`${file} is no valid YAML: ${yamlFault(error)}`)
  }
}

/** Reads and merges the files; those that do not exist are skipped as kubectl does, unless none exists. */
export const loadKubeconfig = (files: readonly string[]): Kubeconfig => {
  const found = files.filter((file) => existsSync(file))
  if (found.length === 0) throw new KubeconfigError(`no kubeconfig at ${files.join(', ')}: name one with --kubeconfig or $KUBECONFIG, or start a cluster with \`wherry up\``)
  const all = found.map((file) => parseKubeconfig(readFileSync(file, 'utf8'), file))
  const merged = <V>(maps: readonly ReadonlyMap<string, V>[]): Map<string, V> => new Map(maps.toReversed().flatMap((map) => [...map]))
  return {
    clusters: merged(all.map(({ clusters }) => clusters)), users: merged(all.map(({ users }) => users)), contexts: merged(all.map(({ contexts }) => contexts)),
    currentContext: all.map((each) => each.currentContext).find(Boolean) ?? '',
  }
}

/** How to reach the cluster of a context (default: the current one), and the namespace that it works in. */
export const accessOf = (config: Kubeconfig, contextName = config.currentContext): ServerAccess & { context: string; namespace: string } => {
  const known = `known contexts: ${[...config.contexts.keys()].join(', ') || 'none'}`
  if (!contextName) throw new KubeconfigError(`the kubeconfig names no current-context; choose one with --context (${known})`)
  const context = config.contexts.get(contextName)
  if (!context) throw new KubeconfigError(`context ${JSON.stringify(contextName)} does not exist (${known})`)
  const cluster = config.clusters.get(context.cluster)
  if (!cluster?.server) throw new KubeconfigError(`context ${JSON.stringify(contextName)}: cluster ${JSON.stringify(context.cluster)} ${cluster ? 'has no server' : 'does not exist'}`)
  const user = context.user ? config.users.get(context.user) : {}
  if (!user) throw new KubeconfigError(`context ${JSON.stringify(contextName)}: user ${JSON.stringify(context.user)} does not exist`)
  refuseUnsupported(cluster, user, context)
  const certificateAuthority = source(cluster['certificate-authority-data'], cluster['certificate-authority'])
  return {
    context: contextName, namespace: context.namespace || 'default', server: cluster.server,
    ...(certificateAuthority && { certificateAuthority }), ...shownBy(user),
    ...(cluster['insecure-skip-tls-verify'] && { insecureSkipTlsVerify: true }), ...(cluster['tls-server-name'] && { tlsServerName: cluster['tls-server-name'] }),
  }
}

/** What a user shows, by the user's name, without a cluster; undefined where there is no such user. */
export const userAccess = (config: Kubeconfig, name: string): Pick<ServerAccess, 'clientCertificate' | 'clientKey' | 'token' | 'basic'> | undefined => {
  const user = config.users.get(name)
  if (!user) return undefined
  refuseUnsupported({ server: '' }, user, { cluster: '', user: name })
  return shownBy(user)
}

const shownBy = (user: KubeUser): Pick<ServerAccess, 'clientCertificate' | 'clientKey' | 'token' | 'basic'> => {
  const clientCertificate = source(user['client-certificate-data'], user['client-certificate'])
  const clientKey = source(user['client-key-data'], user['client-key'])
  const token: Source | undefined = user.tokenFile ? { file: user.tokenFile } : user.token ? { data: user.token } : undefined
  return { ...(clientCertificate && { clientCertificate }), ...(clientKey && { clientKey }), ...(token && { token }), ...(user.username && { basic: { username: user.username, password: user.password ?? '' } }) }
}

const source = (base64: string | undefined, file: string | undefined): Source | undefined =>
  base64 ? { data: Buffer.from(base64, 'base64').toString() } : file ? { file } : undefined

const refuseUnsupported = (cluster: KubeCluster, user: KubeUser, { user: name, cluster: clusterName }: KubeContext): void => {
  if (user.exec) throw new KubeconfigError(`user ${JSON.stringify(name)} uses the exec plugin ${JSON.stringify(user.exec.command ?? '')}, which is not supported: use a client certificate or a token (\`kubectl create token\`)`)
  if (user['auth-provider']) throw new KubeconfigError(`user ${JSON.stringify(name)} uses the auth-provider ${JSON.stringify(user['auth-provider'].name ?? '')}, which is not supported: use a client certificate or a token`)
  if (user.as) throw new KubeconfigError(`user ${JSON.stringify(name)} impersonates ${JSON.stringify(user.as)} (\`as\`), which is not supported: use that user's own credentials`)
  const impersonated = (['as-uid', 'as-groups', 'as-user-extra'] as const).find((field) => Object.keys(user[field] ?? '').length > 0)
  if (impersonated) throw new KubeconfigError(`user ${JSON.stringify(name)} impersonates somebody (\`${impersonated}\`), which is not supported: use that user's own credentials`)
  if (cluster['proxy-url']) throw new KubeconfigError(`cluster ${JSON.stringify(clusterName)} is behind the proxy ${cluster['proxy-url']} (\`proxy-url\`), which is not supported`)
}

const serviceAccountDirectory = '/var/run/secrets/kubernetes.io/serviceaccount'

/** How a pod reaches its own cluster; undefined outside of a pod. Mirrors client-go `rest.InClusterConfig`. */
export const inClusterAccess = (environment: NodeJS.ProcessEnv, directory = serviceAccountDirectory): ServerAccess & { namespace: string } | undefined => {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment
  const token = path.join(directory, 'token')
  if (!host || !port || !existsSync(token)) return undefined
  const namespaceFile = path.join(directory, 'namespace')
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`, token: { file: token }, certificateAuthority: { file: path.join(directory, 'ca.crt') },
    namespace: existsSync(namespaceFile) ? readFileSync(namespaceFile, 'utf8').trim() : 'default',
  }
}

/** As kubectl finds its cluster: the files, or the pod's own service account when there is no file and none was asked for. */
export const findAccess = ({ kubeconfig, context }: { kubeconfig?: string | undefined; context?: string | undefined }, environment: NodeJS.ProcessEnv): ServerAccess & { namespace: string; context: string } => {
  const files = kubeconfigFiles(kubeconfig, environment)
  const inCluster = kubeconfig || files.some((file) => existsSync(file)) ? undefined : inClusterAccess(environment)
  return inCluster ? { ...inCluster, context: 'in-cluster' } : accessOf(loadKubeconfig(files), context)
}

/** A kubeconfig with one cluster, user and context, as YAML; PEM text is put inside it. */
export const renderKubeconfig = (of: {
  cluster: string; user: string; server: string; certificateAuthority: string; namespace?: string
  credentials: { certificate: string; key: string } | { certificateFile: string; keyFile: string } | { token: string } | { tokenFile: string }
}): string => {
  const base64 = (text: string): string => Buffer.from(text).toString('base64')
  const { credentials: given } = of
  const user: KubeUser = 'certificate' in given ? { 'client-certificate-data': base64(given.certificate), 'client-key-data': base64(given.key) }
    : 'certificateFile' in given ? { 'client-certificate': given.certificateFile, 'client-key': given.keyFile }
    : 'token' in given ? { token: given.token } : { tokenFile: given.tokenFile }
  const context = of.user === 'kubernetes-admin' ? `${of.user}@${of.cluster}` : of.cluster
  return stringify({
    apiVersion: 'v1', kind: 'Config',
    clusters: [{ name: of.cluster, cluster: { 'certificate-authority-data': base64(of.certificateAuthority), server: of.server } }],
    users: [{ name: of.user, user }],
    contexts: [{ name: context, context: { cluster: of.cluster, user: of.user, ...(of.namespace && { namespace: of.namespace }) } }],
    'current-context': context,
  }, { lineWidth: 0 })
}
