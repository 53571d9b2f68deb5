/** Mirrors ValidateNetworkPolicySpec of upstream's `pkg/apis/networking/validation`. */
import { isPortName, isPortNumber } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../../../api/types.ts'
import { checkEach, checkOptionalOneOf, invalids } from '../field-checks.ts'
import { checkCIDR, parseCIDR, within } from '../ip-address.ts'
import { checkLabelSelector } from '../label-checks.ts'

const checkEndPort = (path: string, endPort: number, port: number | string | undefined): FieldError[] => {
  if (port === undefined) return [fieldError.invalid(path, endPort, 'may not be specified when `port` is not specified')]
  if (typeof port === 'string') return [fieldError.invalid(path, endPort, 'may not be specified when `port` is non-numeric')]
  return [...(endPort < port ? [fieldError.invalid(path, endPort, 'must be greater than or equal to `port`')] : []), ...invalids(path, endPort, isPortNumber(endPort))]
}

const checkPort = (path: string, { protocol, port, endPort }: NetworkPolicyPort): FieldError[] => {
  const ofEnd = endPort === undefined ? [] : checkEndPort(`${path}.endPort`, endPort, port)
  const ofPort = port === undefined ? [] : typeof port === 'string' ? invalids(`${path}.port`, port, isPortName(port)) : invalids(`${path}.port`, port, isPortNumber(port))
  return [...checkOptionalOneOf(`${path}.protocol`, protocol, ['TCP', 'UDP', 'SCTP']), ...(typeof port === 'string' ? [...ofEnd, ...ofPort] : [...ofPort, ...ofEnd])]
}

/** What stood in the policy before stays allowed, however it is spelled: `known`. */
const checkRange = (path: string, cidr: string, known: ReadonlySet<string>): FieldError[] => (known.has(cidr) ? [] : checkCIDR(path, cidr))

const checkIPBlock = (path: string, { cidr, except }: IPBlock, known: ReadonlySet<string>): FieldError[] => {
  if (!cidr) return [fieldError.required(`${path}.cidr`)]
  const errors = checkRange(`${path}.cidr`, cidr, known)
  const whole = parseCIDR(cidr)
  if (!whole) return errors
  return [...errors, ...checkEach(`${path}.except`, except, (range, at) => {
    const part = parseCIDR(range)
    const wrong = checkRange(at, range, known)
    return !part || (within(part.address, cidr) && whole.prefix < part.prefix) ? wrong : [...wrong, fieldError.invalid(at, range, 'must be a strict subset of `cidr`')]
  })]
}

const checkPeer = (path: string, { podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer, known: ReadonlySet<string>): FieldError[] => {
  const errors = [
    ...(podSelector ? checkLabelSelector(`${path}.podSelector`, podSelector) : []),
    ...(namespaceSelector ? checkLabelSelector(`${path}.namespaceSelector`, namespaceSelector) : []),
    ...(ipBlock ? checkIPBlock(`${path}.ipBlock`, ipBlock, known) : []),
  ]
  if (!podSelector && !namespaceSelector && !ipBlock) return [fieldError.required(path, 'must specify a peer')]
  return ipBlock && (podSelector || namespaceSelector) ? [...errors, fieldError.forbidden(path, 'may not specify both ipBlock and another peer')] : errors
}

const blocksOf = ({ spec }: NetworkPolicy): string[] => [...(spec.ingress ?? []).flatMap(({ from = [] }) => from), ...(spec.egress ?? []).flatMap(({ to = [] }) => to)]
  .flatMap(({ ipBlock }) => (ipBlock ? [ipBlock.cidr, ...(ipBlock.except ?? [])] : []))

const policyTypes = ['Ingress', 'Egress']

/** `old` is what is stored now, when the policy is changed. */
export const checkNetworkPolicy = ({ spec }: NetworkPolicy, old?: NetworkPolicy): FieldError[] => {
  const known = new Set(old ? blocksOf(old) : [])
  const types = spec.policyTypes ?? []
  return [
    ...checkLabelSelector('spec.podSelector', spec.podSelector),
    ...checkEach('spec.ingress', spec.ingress, ({ ports, from }, at) => [...checkEach(`${at}.ports`, ports, (port, portPath) => checkPort(portPath, port)), ...checkEach(`${at}.from`, from, (peer, peerPath) => checkPeer(peerPath, peer, known))]),
    ...checkEach('spec.egress', spec.egress, ({ ports, to }, at) => [...checkEach(`${at}.ports`, ports, (port, portPath) => checkPort(portPath, port)), ...checkEach(`${at}.to`, to, (peer, peerPath) => checkPeer(peerPath, peer, known))]),
    ...(types.length > policyTypes.length ? [fieldError.invalid('spec.policyTypes', types, 'may not specify more than two policyTypes')]
      : checkEach('spec.policyTypes', types, (type, at) => checkOptionalOneOf(at, type, policyTypes))),
  ]
}
