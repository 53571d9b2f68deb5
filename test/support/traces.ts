/** Everything on this machine that names a pod of a cluster's node, found by looking: what a cluster that forgot a pod would leave behind. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { vethName } from '../../agents/kubelet/network/names.ts'
import type { TestCluster } from './cluster.ts'

const names = (directory: string): string[] => { try { return readdirSync(directory) } catch { return [] } }
const uidPattern = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32}/
const uidsIn = (texts: readonly string[]): string[] => [...new Set(texts.flatMap((text) => uidPattern.exec(text)?.[0] ?? []))]
/** Every hierarchy of a version 1 machine, or the one of version 2. */
const hierarchies = (): string[] => ['/sys/fs/cgroup', ...names('/sys/fs/cgroup').map((name) => path.join('/sys/fs/cgroup', name))]

/** Kind of trace → uids of pods. */
export const tracesOf = async (cluster: Pick<TestCluster, 'home' | 'onNode'>, node = 'node-1'): Promise<Record<string, string[]>> => {
  const { home } = cluster
  const at = home.node(node)
  const cgroups = hierarchies().flatMap((root) => ['guaranteed', 'burstable', 'besteffort'].flatMap((qos) => names(path.join(root, `wherry-${home.clusterId}`, node, qos)).map((name) => name.replace(/^pod/, ''))))
  const addresses = names(path.join(at.kubelet, 'network')).filter((name) => /^\d+\./.test(name)).flatMap((range) => names(path.join(at.kubelet, 'network', range)).filter((name) => name !== 'last').map((name) => readFileSync(path.join(at.kubelet, 'network', range, name), 'utf8')))
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n').filter((line) => line.includes(home.data) || line.includes(at.run))
  const arguments_ = names('/proc').filter((name) => /^\d+$/.test(name)).map((pid) => { try { return `${readFileSync(`/proc/${pid}/environ`, 'utf8')} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8')}` } catch { return '' } })
  return {
    cgroups: uidsIn(cgroups), state: uidsIn(names(path.join(at.run, 'pods'))), memory: uidsIn(names(path.join(at.run, 'volumes/pods'))), volumes: uidsIn(names(path.join(at.kubelet, 'pods'))), logs: uidsIn(names(path.join(at.kubelet, 'logs'))),
    layers: uidsIn(names(path.join(at.kubelet, 'roots'))), records: uidsIn(names(path.join(at.kubelet, 'records'))), addresses: uidsIn(addresses), mounts: uidsIn(mounts), 'commands of ours': uidsIn(arguments_.filter((text) => text.includes(at.run))),
  }
}

/** Names of the links to pods in the node's network. */
export const podLinks = async ({ onNode }: Pick<TestCluster, 'onNode'>, node = 'node-1'): Promise<string[]> =>
  [...(await onNode(node, ['ip', '-o', 'link'])).stdout.matchAll(/: (veth[0-9a-f]{8})@/g)].map(([, name = '']) => name).toSorted()

export const linkOf = ({ home }: Pick<TestCluster, 'home'>, uid: string, node = 'node-1'): string => vethName(home.clusterId, node, uid)
