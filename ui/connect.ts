/** The line to a cluster, from a kubeconfig. */
import { systemClock } from '../src/api/clock.ts'
import { type Client, createClient } from '../src/client/client.ts'
import { httpsTransport, type HttpsTransport } from '../src/client/https-transport.ts'
import { findAccess, kubeconfigFiles, loadKubeconfig } from '../src/client/kubeconfig.ts'
import type { ServerAccess } from '../src/client/server-access.ts'
import type { Identity } from './store/cluster.ts'

export interface Line { client: Client; transport: HttpsTransport; access: ServerAccess; identity: Identity }

export interface WhichCluster { kubeconfig?: string | undefined; context?: string | undefined }

const userOf = ({ kubeconfig }: WhichCluster, context: string): string => {
  try { return loadKubeconfig(kubeconfigFiles(kubeconfig, process.env)).contexts.get(context)?.user ?? '' } catch { return '' } // in a pod there is no file
}

/** Throws a KubeconfigError that says what is wrong and what to do. */
export const connect = (which: WhichCluster): Line => {
  const { context, namespace, ...access } = findAccess(which, process.env)
  const transport = httpsTransport(access, systemClock)
  return { client: createClient(transport, { userAgent: 'wherry-dashboard' }), transport, access, identity: { context, namespace, server: access.server, user: userOf(which, context) } }
}

/** The names of all contexts. */
export const contextNames = ({ kubeconfig }: WhichCluster): string[] => [...loadKubeconfig(kubeconfigFiles(kubeconfig, process.env)).contexts.keys()]
