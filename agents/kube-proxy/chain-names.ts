/** Names of chains, exactly as upstream makes them, so that iptables-save reads the same: base32(sha256(…))[0..16]. (pkg/proxy/iptables/proxier.go) */
import { createHash } from 'node:crypto'

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

const base32 = (bytes: Uint8Array): string => {
  let text = ''
  let bits = 0
  let value = 0
  for (const byte of bytes) {
    value = (value << 8) | byte
    bits += 8
    while (bits >= 5) {
      text += alphabet[(value >>> (bits - 5)) & 31]
      bits -= 5
    }
    value &= (1 << bits) - 1
  }
  return text
}

const hash = (text: string): string => base32(createHash('sha256').update(text).digest()).slice(0, 16)

/** `servicePort` is `namespace/name:port`, `protocol` in lower case. */
export const clusterPolicyChain = (servicePort: string, protocol: string): string => `KUBE-SVC-${hash(servicePort + protocol)}`
export const localPolicyChain = (servicePort: string, protocol: string): string => `KUBE-SVL-${hash(servicePort + protocol)}`
export const externalChain = (servicePort: string, protocol: string): string => `KUBE-EXT-${hash(servicePort + protocol)}`
/** `endpoint` is `address:port`. */
export const endpointChain = (servicePort: string, protocol: string, endpoint: string): string => `KUBE-SEP-${hash(servicePort + protocol + endpoint)}`

/** Chains that exist once per Service port or endpoint: what may be removed when nothing wants them any more. */
export const isServiceChain = (name: string): boolean => /^KUBE-(SVC|SVL|EXT|SEP|FW)-[A-Z2-7]{16}$/.test(name)
