/** APIServices. Mirrors kube-aggregator's `pkg/registry/apiservice`, `pkg/apis/apiregistration/validation` and `v1/defaults.go`. */
import { timestamp } from '../../../api/clock.ts'
import { APIServices } from '../../../api/kinds.ts'
import { isDns1035Label, isDns1123Subdomain, isPathSegmentName, isPortNumber } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { APIService, APIServiceCondition, APIServiceSpec } from '../../../api/types.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { checkEach, invalids } from '../field-checks.ts'
import { statusSubresource } from '../status-subresource.ts'
import type { Strategy } from '../strategy.ts'

const maxGroupPriority = 20_000
const maxVersionPriority = 1000
/** As Go's encoding takes for 0 what is not there. */
const within = (value: number | undefined, max: number): boolean => (value ?? 0) > 0 && (value ?? 0) <= max

/** Of a group version that this server serves itself. */
export const localAvailable = (now: Date): APIServiceCondition =>
  ({ type: 'Available', status: 'True', lastTransitionTime: timestamp(now), reason: 'Local', message: 'Local APIServices are always available' })

export const availableCondition = ({ status }: APIService): APIServiceCondition | undefined => status.conditions?.find(({ type }) => type === 'Available')

const checkLocal = ({ caBundle, insecureSkipTLSVerify }: APIServiceSpec): FieldError[] => [
  ...(caBundle ? [fieldError.invalid('spec.caBundle', `${Buffer.from(caBundle, 'base64').length} bytes`, 'local APIServices may not have a caBundle')] : []),
  ...(insecureSkipTLSVerify ? [fieldError.invalid('spec.insecureSkipTLSVerify', insecureSkipTLSVerify, 'local APIServices may not have insecureSkipTLSVerify')] : []),
]

const checkRemote = ({ namespace, name, port = 0 }: NonNullable<APIServiceSpec['service']>, { caBundle, insecureSkipTLSVerify }: APIServiceSpec): FieldError[] => {
  const portProblems = isPortNumber(port)
  return [
    ...(namespace ? [] : [fieldError.required('spec.service.namespace')]),
    ...(name ? [] : [fieldError.required('spec.service.name')]),
    ...(portProblems.length > 0 ? [fieldError.invalid('spec.service.port', port, `port is not valid: ${portProblems.join(', ')}`)] : []),
    ...(insecureSkipTLSVerify && caBundle ? [fieldError.invalid('spec.insecureSkipTLSVerify', insecureSkipTLSVerify, 'may not be true if caBundle is present')] : []),
  ]
}

const check = ({ metadata, spec }: APIService): FieldError[] => {
  const { group = '', version = '', groupPriorityMinimum, versionPriority, service } = spec
  const name = `${version}.${group}`
  return [
    ...(metadata.name === name ? [] : [fieldError.invalid('metadata.name', metadata.name, `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(name)}`)]),
    ...(group === '' && version !== 'v1' ? [fieldError.required('spec.group', 'only v1 may have an empty group and it better be legacy kube')] : []),
    ...(group === '' ? [] : invalids('spec.group', group, isDns1123Subdomain(group))),
    ...invalids('spec.version', version, isDns1035Label(version)),
    ...(within(groupPriorityMinimum, maxGroupPriority) ? [] : [fieldError.invalid('spec.groupPriorityMinimum', groupPriorityMinimum ?? 0, `must be positive and less than ${maxGroupPriority}`)]),
    ...(within(versionPriority, maxVersionPriority) ? [] : [fieldError.invalid('spec.versionPriority', versionPriority ?? 0, `must be positive and less than ${maxVersionPriority}`)]),
    ...(service ? checkRemote(service, spec) : checkLocal(spec)),
  ]
}

const checkStatus = ({ status }: APIService): FieldError[] => checkEach('status.conditions', status.conditions, (condition, path) => [
  ...(['True', 'False', 'Unknown'].includes(condition.status) ? [] : [fieldError.notSupported(`${path}.status`, condition.status, ['False', 'True', 'Unknown'])]),
])

const shownAvailability = (apiService: APIService): string => {
  const condition = availableCondition(apiService)
  if (!condition) return 'Unknown'
  return condition.status === 'True' ? 'True' : `${condition.status} (${condition.reason ?? ''})`
}

export const apiServiceStrategy: Strategy<APIService> = {
  kind: APIServices,
  validateName: isPathSegmentName,
  setDefaults(apiService) {
    apiService.spec ??= { groupPriorityMinimum: 0, versionPriority: 0 }
    apiService.status ??= {}
    if (apiService.spec.service) apiService.spec.service.port ??= 443
  },
  prepareForCreate(apiService, { clock }) { apiService.status = apiService.spec.service ? {} : { conditions: [localAvailable(clock.now())] } },
  validate: check,
  prepareForUpdate(next, old) { next.status = old.status },
  validateUpdate: check,
  unconditionalUpdate: false,
  columns: [
    nameColumn,
    { name: 'Service', type: 'string', description: 'The reference to the service that hosts this API endpoint.', value: ({ spec: { service } }) => (service ? `${service.namespace ?? ''}/${service.name ?? ''}` : 'Local') },
    { name: 'Available', type: 'string', description: 'Whether this service is available.', value: shownAvailability },
    ageColumn,
  ],
  subresources: { status: statusSubresource({ validate: checkStatus }) },
}
