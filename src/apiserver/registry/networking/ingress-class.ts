/** IngressClasses. Mirrors upstream's `pkg/registry/networking/ingressclass/strategy.go`, SetDefaults_IngressClass and ValidateIngressClass. */
import { IngressClasses } from '../../../api/kinds.ts'
import { isDns1123Label, regexError } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { IngressClass, IngressClassParametersReference } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { checkDnsSubdomain, checkImmutable, invalids } from '../field-checks.ts'
import type { Strategy } from '../strategy.ts'
import { checkTypedReference } from './ingress-validation.ts'

const maxControllerBytes = 250
const pathFormat = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+"
const pathPattern = new RegExp(`^${pathFormat}$`)

/** `example.com/controller`. Mirrors apimachinery's IsDomainPrefixedPath. */
const checkDomainPrefixedPath = (path: string, value: string): FieldError[] => {
  const slash = value.indexOf('/')
  const [domain, rest] = slash < 0 ? ['', ''] : [value.slice(0, slash), value.slice(slash + 1)]
  if (!domain || !rest) return [fieldError.invalid(path, value, 'must be a domain-prefixed path (such as "acme.io/foo")')]
  return [...checkDnsSubdomain(path, domain), ...(pathPattern.test(rest) ? [] : [fieldError.invalid(path, rest, regexError('Invalid path', pathFormat))])]
}

const checkScope = (path: string, { scope, namespace }: IngressClassParametersReference): FieldError[] => {
  if (scope === undefined) return [fieldError.required(`${path}.scope`)]
  if (scope === 'Cluster') return namespace === undefined ? [] : [fieldError.forbidden(`${path}.namespace`, "`parameters.scope` is set to 'Cluster'")]
  if (scope !== 'Namespace') return [fieldError.notSupported(`${path}.scope`, scope, ['Cluster', 'Namespace'])]
  return namespace === undefined ? [fieldError.required(`${path}.namespace`, "`parameters.scope` is set to 'Namespace'")] : invalids(`${path}.namespace`, namespace, isDns1123Label(namespace))
}

const check = ({ spec: { controller = '', parameters } }: IngressClass): FieldError[] => [
  ...(controller === '' ? [fieldError.required('spec.controller')] : [
    ...(Buffer.byteLength(controller) > maxControllerBytes ? [fieldError.tooLong('spec.controller', maxControllerBytes)] : []),
    ...checkDomainPrefixedPath('spec.controller', controller),
  ]),
  ...(parameters ? [...checkTypedReference('spec.parameters', parameters), ...checkScope('spec.parameters', parameters)] : []),
]

const parametersText = ({ spec: { parameters } }: IngressClass): string =>
  (parameters ? `${parameters.kind}${parameters.apiGroup === undefined ? '' : `.${parameters.apiGroup}`}/${parameters.name}` : '<none>')

export const ingressClassStrategy: Strategy<IngressClass> = {
  kind: IngressClasses,
  setDefaults({ spec }) { if (spec.parameters) spec.parameters.scope ??= 'Cluster' },
  validate: check,
  validateUpdate: (next, old) => [...checkImmutable('spec.controller', next.spec.controller, old.spec.controller), ...check(next)],
  generationOf: ({ spec }) => spec,
  columns: [
    nameColumn,
    { name: 'Controller', type: 'string', description: 'The controller that implements Ingresses of this class.', value: ({ spec }) => spec.controller ?? '' },
    { name: 'Parameters', type: 'string', description: 'What holds more settings of this class.', value: parametersText },
    ageColumn,
  ],
}
