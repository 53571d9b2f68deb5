/** Makes a machine, which the cluster's key opens, run a kubelet of the cluster. Idempotent: what is there and good stays. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Pod } from '../../api/types.ts'
import type { Client } from '../../client/client.ts'
import { renderKubeconfig } from '../../client/kubeconfig.ts'
import { instanceTypeOf, machineProviderID } from '../../cloud-controller-manager/ssh/ssh-cloud.ts'
import { serverURL, type ClusterConfig } from '../config.ts'
import type { Home } from '../home.ts'
import { configurationFiles } from '../node-configuration.ts'
import { requestCertificate } from './certificates.ts'
import type { Requests, Started, StartInput } from './machine-agent.ts'
import type { JoinedMachine } from './machine-command.ts'
import { machineOf } from './machines.ts'

const kubeletFlags = (config: ClusterConfig, { node, home }: JoinedMachine): string[] => {
  const machine = machineOf(config.clusterId, node)
  return [
    `--node-name=${node.name}`, `--node-ip=${node.address}`, `--kubeconfig=${home.kubeconfig}`, `--root-dir=${home.kubelet}`, `--state-dir=${home.state}`, `--cluster-dir=${home.data}`, `--image-dir=${home.images}`,
    `--cluster-id=${config.clusterId}`, `--cluster-dns=${config.clusterDNS}`, `--cluster-domain=${config.clusterDomain}`, `--cluster-cidr=${config.podCIDR}`,
    `--tls-cert-file=${home.data}/kubelet-server.crt`, `--tls-private-key-file=${home.data}/kubelet-server.key`, `--client-ca-file=${home.data}/ca.crt`, `--server=${serverURL(config)}`,
    `--provider-id=${machineProviderID(machine)}`, `--node-labels=node.kubernetes.io/instance-type=${instanceTypeOf(machine)}`,
  ]
}

const input = async (home: Home, config: ClusterConfig, machine: JoinedMachine): Promise<StartInput> => {
  const ca = await readFile(path.join(home.pki, 'ca.crt'), 'utf8')
  const { data } = machine.home
  const credentials = { certificateFile: `${data}/kubelet-client.crt`, keyFile: `${data}/kubelet-client.key` }
  return { ca, kubeconfig: renderKubeconfig({ cluster: 'wherry', user: `system:node:${machine.node.name}`, server: serverURL(config), certificateAuthority: ca, credentials }), kubelet: kubeletFlags(config, machine), files: configurationFiles(home.data) }
}

/** The program is there already. Keys are made on the machine and stay there; only requests and certificates travel. */
export const obtainCertificates = async (client: Client, config: ClusterConfig, machine: JoinedMachine, signal: AbortSignal): Promise<Pick<StartInput, 'client' | 'server'>> => {
  const { node } = machine
  const requests = await machine.agent<Requests>('keys', { 'node-ip': node.address, server: serverURL(config) }, { signal })
  const obtain = async (usage: 'client' | 'server'): Promise<Pick<StartInput, 'client' | 'server'>> => {
    const request = requests[usage]
    return request === undefined ? {} : { [usage]: await requestCertificate(client, { node: node.name, request, usage }, signal) }
  }
  return { ...(await obtain('client')), ...(await obtain('server')) }
}

export const startMachine = async ({ home, config, machine, certificates = {} }: { home: Home; config: ClusterConfig; machine: JoinedMachine; certificates?: Pick<StartInput, 'client' | 'server'> }, signal: AbortSignal): Promise<Started> =>
  machine.agent<Started>('start', {}, { input: JSON.stringify({ ...(await input(home, config, machine)), ...certificates }), signal })

export const stopMachine = async (config: ClusterConfig, machine: JoinedMachine, { remove, pods = [] }: { remove: boolean; pods?: readonly Pod[] }, signal: AbortSignal): Promise<void> => {
  await machine.agent('stop', { 'cluster-cidr': config.podCIDR, ...(remove && { remove: 'true' }) }, { input: JSON.stringify(pods), signal })
}
