/** A pod's /etc/resolv.conf. Mirrors pkg/kubelet/network/dns. Pure. */
import type { Pod } from '../../src/api/types.ts'

export interface ResolvConf { nameservers: string[]; searches: string[]; options: string[] }

export interface ClusterDns { clusterDNS: readonly string[]; clusterDomain: string }

const maxNameservers = 3
const maxSearches = 32

export const parseResolvConf = (text: string): ResolvConf => {
  const result: ResolvConf = { nameservers: [], searches: [], options: [] }
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line.replace(/[#;].*$/, '').trim().split(/\s+/)
    if (keyword === 'nameserver' && values[0]) result.nameservers.push(values[0])
    else if (keyword === 'search') result.searches = values
    else if (keyword === 'options') result.options = values
  }
  return result
}

const formatResolvConf = ({ nameservers, searches, options }: ResolvConf): string => [
  ...(searches.length > 0 ? [`search ${searches.join(' ')}`] : []),
  ...nameservers.map((address) => `nameserver ${address}`),
  ...(options.length > 0 ? [`options ${options.join(' ')}`] : []),
].map((line) => `${line}\n`).join('')

const unique = (words: readonly string[]): string[] => [...new Set(words)]

/** By the pod's dnsPolicy, with its dnsConfig on top. */
export const resolvConfOf = (pod: Pod, host: ResolvConf, { clusterDNS, clusterDomain }: ClusterDns): string => {
  const policy = pod.spec.dnsPolicy ?? 'ClusterFirst'
  const cluster = clusterDNS.length > 0 && (policy === 'ClusterFirstWithHostNet' || (policy === 'ClusterFirst' && !pod.spec.hostNetwork))
  const base: ResolvConf = policy === 'None' ? { nameservers: [], searches: [], options: [] }
    : cluster ? {
        nameservers: [...clusterDNS], options: ['ndots:5'],
        searches: unique([`${pod.metadata.namespace ?? 'default'}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain, ...host.searches]),
      } : { ...host }
  const { nameservers = [], searches = [], options = [] } = pod.spec.dnsConfig ?? {}
  const own = options.map(({ name, value }) => (value ? `${name ?? ''}:${value}` : (name ?? '')))
  const overridden = new Set(options.map(({ name }) => name))
  return formatResolvConf({
    nameservers: unique([...base.nameservers, ...nameservers]).slice(0, maxNameservers),
    searches: unique([...base.searches, ...searches]).slice(0, maxSearches),
    options: [...base.options.filter((option) => !overridden.has(option.split(':')[0])), ...own],
  })
}
