/** Where a cluster keeps what, on this machine: one function from a data directory to every path. */
import { createHash } from 'node:crypto'
import { realpathSync } from 'node:fs'
import path from 'node:path'

export interface Home {
  /** Six hexadecimal digits that name this cluster's bridges, cgroups, namespaces and run directory; they follow from the data directory. */
  clusterId: string
  data: string
  config: string
  pki: string
  store: string
  kubeconfig: string
  /** Kubeconfigs of the components, `<name>.kubeconfig`. */
  kubeconfigs: string
  images: string
  ssh: string
  logs: string
  /** On tmpfs; a reboot erases it. */
  run: string
  /** The program as pods see it: `node` and `wherry.js`, the same path on every machine of the cluster. */
  program: string
  node(name: string): NodeHome
}

export interface NodeHome {
  data: string
  /** Static pod manifests. */
  manifests: string
  kubelet: string
  run: string
  log: string
  keeperPid: string
}

export const defaultDataDirectory = (environment: NodeJS.ProcessEnv, uid: number): string =>
  environment['WHERRY_HOME'] ?? (uid === 0 ? '/var/lib/wherry' : path.join(environment['XDG_DATA_HOME'] ?? path.join(environment['HOME'] ?? '/', '.local/share'), 'wherry'))

const realPath = (directory: string): string => {
  try {
    return realpathSync(directory)
  } catch {
    return path.resolve(directory)
  }
}

export const homeAt = (dataDirectory: string): Home => {
  const data = realPath(dataDirectory)
  const clusterId = createHash('sha256').update(data).digest('hex').slice(0, 6)
  const run = `/run/wherry/${clusterId}`
  const at = (...parts: string[]): string => path.join(data, ...parts)
  return {
    clusterId, data, run,
    config: at('cluster.json'), pki: at('pki'), store: at('store'), kubeconfig: at('admin.kubeconfig'), kubeconfigs: at('kubeconfigs'), images: at('images'), ssh: at('ssh'), logs: at('logs'),
    program: path.join(run, 'program'),
    node: (name) => ({
      data: at('nodes', name), manifests: at('nodes', name, 'manifests'), kubelet: at('nodes', name, 'kubelet'),
      run: path.join(run, name), log: at('logs', `kubelet-${name}.log`), // Not among the runtime's files, which it clears when the machine has been booted anew.
      keeperPid: path.join(run, 'keepers', `${name}.pid`),
    }),
  }
}
