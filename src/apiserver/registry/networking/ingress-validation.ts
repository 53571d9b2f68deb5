/** Mirrors ValidateIngressCreate, ValidateIngressUpdate and ValidateIngressStatusUpdate of upstream's `pkg/apis/networking/validation`. */
import { isDns1123Label, isDns1123Subdomain, isPathSegmentName, isPortName, isPortNumber, isWildcardDns1123Subdomain } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { HTTPIngressPath, Ingress, IngressBackend, IngressRule, IngressTLS, TypedLocalObjectReference } from '../../../api/types.ts'
import { checkDnsSubdomain, checkEach, invalids } from '../field-checks.ts'
import { checkIP, parseIP } from '../ip-address.ts'

/** A group, kind and name, which all become parts of a path. */
export const checkTypedReference = (path: string, { apiGroup, kind, name }: TypedLocalObjectReference): FieldError[] => [
  ...(apiGroup === undefined ? [] : invalids(`${path}.apiGroup`, apiGroup, isDns1123Subdomain(apiGroup))),
  ...(kind ? invalids(`${path}.kind`, kind, isPathSegmentName(kind)) : [fieldError.required(`${path}.kind`)]),
  ...(name ? invalids(`${path}.name`, name, isPathSegmentName(name)) : [fieldError.required(`${path}.name`)]),
]

const checkServicePort = (path: string, { name = '', number = 0 }: { name?: string | undefined; number?: number | undefined }): FieldError[] => {
  if (name && number !== 0) return [fieldError.invalid(path, '', 'cannot set both port name & port number')]
  if (name) return invalids(`${path}.service.port.name`, name, isPortName(name))
  return number === 0 ? [fieldError.required(path, 'port name or number is required')] : invalids(`${path}.service.port.number`, number, isPortNumber(number))
}

const checkBackend = (path: string, { resource, service }: IngressBackend): FieldError[] => {
  if (resource && service) return [fieldError.invalid(path, '', 'cannot set both resource and service backends')]
  if (resource) return checkTypedReference(`${path}.resource`, resource)
  if (!service) return [fieldError.invalid(path, '', 'resource or service backend is required')]
  // Since 1.36 a Service's name may be any DNS label, and so may the name that refers to it.
  return [...(service.name ? invalids(`${path}.service.name`, service.name, isDns1123Label(service.name)) : [fieldError.required(`${path}.service.name`)]), ...checkServicePort(path, service.port ?? {})]
}

const badSequences = ['//', '/./', '/../', '%2f', '%2F']
const badEnds = ['/..', '/.']

const checkPathText = (at: string, { path = '', pathType }: HTTPIngressPath): FieldError[] => {
  const relative = path.startsWith('/') ? [] : [fieldError.invalid(at, path, 'must be an absolute path')]
  if (pathType === 'ImplementationSpecific') return path ? relative : []
  return [
    ...relative,
    ...badSequences.filter((sequence) => path.includes(sequence)).map((sequence) => fieldError.invalid(at, path, `must not contain '${sequence}'`)),
    ...badEnds.filter((end) => path.endsWith(end)).map((end) => fieldError.invalid(at, path, `cannot end with '${end}'`)),
  ]
}

const checkHttpPath = (at: string, path: HTTPIngressPath): FieldError[] => {
  if (path.pathType === undefined) return [fieldError.required(`${at}.pathType`, 'pathType must be specified')]
  const known = ['Exact', 'ImplementationSpecific', 'Prefix']
  return [
    ...(known.includes(path.pathType) ? checkPathText(`${at}.path`, path) : [fieldError.notSupported(`${at}.pathType`, path.pathType, known)]),
    ...checkBackend(`${at}.backend`, path.backend),
  ]
}

const checkHost = (path: string, host: string): FieldError[] => invalids(path, host, host.includes('*') ? isWildcardDns1123Subdomain(host) : isDns1123Subdomain(host))

const isHttpRight = ({ http }: IngressRule, path: string): FieldError[] => {
  if (!http) return []
  const paths = http.paths ?? []
  return [...(paths.length === 0 ? [fieldError.required(`${path}.http.paths`)] : []), ...checkEach(`${path}.http.paths`, paths, (each, at) => checkHttpPath(at, each))]
}

const checkRule = (path: string, rule: IngressRule, lenient: boolean): FieldError[] => {
  const { host = '' } = rule
  const ofHost = host === '' ? [] : [...(parseIP(host) ? [fieldError.invalid(`${path}.host`, host, 'must be a DNS name, not an IP address')] : []), ...checkHost(`${path}.host`, host)]
  return lenient && host.includes('*') ? ofHost : [...ofHost, ...isHttpRight(rule, path)]
}

const secretNameErrors = ({ secretName = '' }: IngressTLS): string[] => (secretName === '' ? [] : isDns1123Subdomain(secretName))

/** What older versions let pass stays allowed in what is stored: `old`. */
const checkSpec = ({ spec }: Ingress, old?: Ingress): FieldError[] => {
  const { rules = [], tls, defaultBackend, ingressClassName } = spec
  const anySecretName = (old?.spec.tls ?? []).some((each) => secretNameErrors(each).length > 0)
  const anyWildcardRule = (old?.spec.rules ?? []).some((rule) => rule.host?.includes('*') && isHttpRight(rule, '').length > 0)
  return [
    ...(rules.length === 0 && !defaultBackend ? [fieldError.invalid('spec', rules.length === 0 ? null : rules, 'either `defaultBackend` or `rules` must be specified')] : []),
    ...(defaultBackend ? checkBackend('spec.defaultBackend', defaultBackend) : []),
    ...checkEach('spec.rules', rules, (rule, at) => checkRule(at, rule, anyWildcardRule)),
    ...checkEach('spec.tls', tls, (each, at) => [
      ...checkEach(`${at}.hosts`, each.hosts, (host, hostPath) => checkHost(hostPath, host)),
      ...(anySecretName ? [] : invalids(`${at}.secretName`, each.secretName, secretNameErrors(each))),
    ]),
    ...(ingressClassName === undefined ? [] : checkDnsSubdomain('spec.ingressClassName', ingressClassName)),
  ]
}

const classAnnotation = 'kubernetes.io/ingress.class'

export const checkIngress = (ingress: Ingress): FieldError[] => {
  const annotated = ingress.metadata.annotations?.[classAnnotation]
  const { ingressClassName } = ingress.spec
  return [
    ...checkSpec(ingress),
    ...(annotated !== undefined && ingressClassName !== undefined && annotated !== ingressClassName
      ? [fieldError.invalid(`annotations.${classAnnotation}`, annotated, 'must match `ingressClassName` when both are specified')] : []),
  ]
}

export const checkIngressUpdate = (next: Ingress, old: Ingress): FieldError[] => checkSpec(next, old)

export const checkIngressStatus = ({ status }: Ingress, old: Ingress): FieldError[] => {
  const known = new Set((old.status.loadBalancer?.ingress ?? []).map(({ ip }) => ip))
  return checkEach('status.loadBalancer.ingress', status.loadBalancer?.ingress, ({ ip, hostname }, at) => [
    ...(ip && !known.has(ip) ? checkIP(`${at}.ip`, ip) : []),
    ...(hostname ? checkDnsSubdomain(`${at}.hostname`, hostname) : []),
    ...(hostname && parseIP(hostname) ? [fieldError.invalid(`${at}.hostname`, hostname, 'must be a DNS name, not an IP address')] : []),
  ])
}
