/** The cluster's certificates and kubeconfigs, made once and renewed when `up` finds them near their end. Mirrors kubeadm's `certs` and `kubeconfig` phases. */
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { renderKubeconfig } from '../client/kubeconfig.ts'
import { certificateFacts, newCertificate, newCertificateAuthority, newKey, validFor, type KeyedCertificate, type Subject } from '../client/pki.ts'
import { adminURL, serverURL, type ClusterConfig, type NodeConfig } from './config.ts'
import type { Home } from './home.ts'
import { UserError } from './user-error.ts'

const authorityDays = 3_650
const certificateDays = 365
const renewBeforeDays = 30
const day = 86_400_000

/** First address of the Service range: what `kubernetes.default` resolves to. */
export const firstAddress = (cidr: string): string => {
  const parts = (cidr.split('/')[0] ?? '').split('.').map(Number)
  return [...parts.slice(0, 3), (parts[3] ?? 0) + 1].join('.')
}

const write = async (file: string, text: string, mode: number): Promise<void> => {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
  await writeFile(`${file}.new`, text, { mode })
  await rename(`${file}.new`, file)
}

const readPair = async (base: string): Promise<KeyedCertificate | undefined> => {
  if (!existsSync(`${base}.crt`) || !existsSync(`${base}.key`)) return undefined
  const [certificate, key] = await Promise.all([readFile(`${base}.crt`, 'utf8'), readFile(`${base}.key`, 'utf8')])
  return { certificate, key }
}

const writePair = async (base: string, { certificate, key }: KeyedCertificate): Promise<void> => {
  await write(`${base}.key`, key, 0o600)
  await write(`${base}.crt`, certificate, 0o644)
}

const isCurrent = (certificate: string, now: Date): boolean => {
  try {
    return certificateFacts(certificate).notAfter.getTime() - now.getTime() > renewBeforeDays * day
  } catch {
    return false // a damaged certificate is made anew, its authority is not
  }
}

interface Wanted { base: string; subject: Subject; usages: readonly ('client auth' | 'server auth')[] }

/** The pair at `base`, kept while it is current and its names are those wanted (they stand beside it in a `.names` file). */
const ensureCertificate = async (ca: KeyedCertificate, { base, subject, usages }: Wanted, now: Date): Promise<KeyedCertificate> => {
  const names = JSON.stringify(subject)
  const [known, knownNames] = await Promise.all([readPair(base), readFile(`${base}.names`, 'utf8').catch(() => '')])
  if (known && knownNames === names && isCurrent(known.certificate, now)) return known
  const made = await newCertificate(ca, { subject, usages, validity: validFor(certificateDays, now) })
  await writePair(base, made)
  await write(`${base}.names`, names, 0o600)
  return made
}

const clientAuthority = { file: 'ca', commonName: 'kubernetes' }
/** Of those who may say for whom they ask: nobody else's certificate is of this authority. */
const frontProxyAuthority = { file: 'front-proxy-ca', commonName: 'front-proxy-ca' }

const ensureAuthority = async (home: Home, now: Date, { file, commonName } = clientAuthority): Promise<KeyedCertificate> => {
  const base = path.join(home.pki, file)
  const known = await readPair(base)
  if (known) return known
  if (existsSync(`${base}.crt`)) throw new UserError(`${base}.crt is there but ${base}.key is not: restore the key, or start anew with: wherry down --delete-data`)
  const made = await newCertificateAuthority({ commonName, validity: validFor(authorityDays, now) })
  await writePair(base, made)
  return made
}

const components = {
  scheduler: { commonName: 'system:kube-scheduler' },
  'controller-manager': { commonName: 'system:kube-controller-manager' },
  'cloud-controller-manager': { commonName: 'system:cloud-controller-manager' },
} as const

/** Everything that the control plane and the administrator need. Idempotent. */
export const ensurePki = async (home: Home, config: ClusterConfig, now: Date): Promise<void> => {
  const ca = await ensureAuthority(home, now)
  const address = config.nodes[0]?.address ?? '127.0.0.1'
  const at = (name: string): string => path.join(home.pki, name)
  const kubeconfigFor = async (name: string, user: string, subject: Subject, file: string, server = serverURL(config)): Promise<void> => {
    const credentials = await ensureCertificate(ca, { base: at(name), subject, usages: ['client auth'] }, now)
    const text = renderKubeconfig({ cluster: 'wherry', user, server, certificateAuthority: ca.certificate, credentials })
    if ((await readFile(file, 'utf8').catch(() => '')) !== text) await write(file, text, 0o600)
  }
  await Promise.all([
    ensureCertificate(ca, { base: at('apiserver'), usages: ['server auth'], subject: {
      commonName: 'kube-apiserver',
      dnsNames: ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', `kubernetes.default.svc.${config.clusterDomain}`, 'localhost'],
      ipAddresses: [...new Set([firstAddress(config.serviceCIDR), '127.0.0.1', address])],
    } }, now),
    ensureCertificate(ca, { base: at('apiserver-kubelet-client'), usages: ['client auth'], subject: { commonName: 'kube-apiserver-kubelet-client', organizations: ['system:masters'] } }, now),
    ensureAuthority(home, now, frontProxyAuthority).then((authority) => ensureCertificate(authority, { base: at('front-proxy-client'), usages: ['client auth'], subject: { commonName: 'front-proxy-client' } }, now)),
    ...(['scheduler', 'controller-manager'] as const).map((name) => ensureCertificate(ca, { base: at(`${name}-server`), usages: ['server auth'], subject: { commonName: `kube-${name}`, dnsNames: ['localhost'], ipAddresses: [...new Set([address, '127.0.0.1'])] } }, now)),
    existsSync(at('sa.key')) ? undefined : newKey().then((key) => write(at('sa.key'), key, 0o600)),
    kubeconfigFor('admin', 'admin', { commonName: 'kubernetes-admin', organizations: ['system:masters'] }, home.kubeconfig, adminURL(config)),
    ...Object.entries(components).map(([name, subject]) => kubeconfigFor(name, subject.commonName, subject, path.join(home.kubeconfigs, `${name}.kubeconfig`))),
    ...config.nodes.filter(({ kind }) => kind !== 'ssh').map((node) => ensureNodeCredentials(home, config, node, now)),
  ])
}

/** A kubelet's kubeconfig and serving certificate in its own directory. (A machine that joins over SSH gets its own by CSR.) */
export const ensureNodeCredentials = async (home: Home, config: ClusterConfig, node: NodeConfig, now: Date): Promise<void> => {
  const ca = await ensureAuthority(home, now)
  const directory = home.node(node.name).data
  const name = `system:node:${node.name}`
  const client = await ensureCertificate(ca, { base: path.join(directory, 'kubelet-client'), usages: ['client auth'], subject: { commonName: name, organizations: ['system:nodes'] } }, now)
  await ensureCertificate(ca, { base: path.join(directory, 'kubelet-server'), usages: ['server auth'], subject: { commonName: name, organizations: ['system:nodes'], dnsNames: [node.name], ipAddresses: [node.address, '127.0.0.1'] } }, now)
  await write(path.join(directory, 'ca.crt'), ca.certificate, 0o644)
  await write(path.join(directory, 'kubelet.kubeconfig'), renderKubeconfig({ cluster: 'wherry', user: name, server: serverURL(config), certificateAuthority: ca.certificate, credentials: client }), 0o600)
}
