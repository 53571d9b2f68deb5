/** The query of a list or watch, checked. Mirrors metav1.ListOptions and its validation. */
import type { Kind } from '../../api/kinds.ts'
import { badRequest, type FieldError, fieldError, invalid } from '../../api/status.ts'

export interface ListOptions {
  labelSelector: string
  fieldSelector: string
  resourceVersion: string
  resourceVersionMatch: string
  limit: number
  continue: string
  watch: boolean
  allowWatchBookmarks: boolean
  sendInitialEvents: boolean | undefined
  timeoutSeconds: number | undefined
}

/** As apimachinery's conversion of query values: anything but `false` and `0` is true, the empty string too. */
export const booleanOf = (value: string | null): boolean | undefined => (value === null ? undefined : value.toLowerCase() !== 'false' && value !== '0')

const integerOf = (query: URLSearchParams, name: string): number | undefined => {
  const value = query.get(name)
  if (value === null || value === '') return undefined
  if (!/^[-+]?\d{1,18}$/.test(value)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`)
  return Number(value)
}

const forbidden = (path: string, why: string): FieldError => fieldError.forbidden(path, why)

const listErrors = ({ resourceVersionMatch: match, resourceVersion, continue: token, sendInitialEvents }: ListOptions): FieldError[] => [
  ...(match === '' ? [] : [
    ...(resourceVersion === '' ? [forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden unless resourceVersion is provided')] : []),
    ...(token === '' ? [] : [forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided')]),
    ...(match === 'Exact' || match === 'NotOlderThan' ? [] : [fieldError.notSupported('resourceVersionMatch', match, ['Exact', 'NotOlderThan', ''])]),
    ...(match === 'Exact' && resourceVersion === '0' ? [forbidden('resourceVersionMatch', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"')] : []),
  ]),
  ...(sendInitialEvents === undefined ? [] : [forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list')]),
]

const watchErrors = ({ resourceVersionMatch: match, continue: token, sendInitialEvents }: ListOptions): FieldError[] => [
  ...(sendInitialEvents !== undefined && match !== 'NotOlderThan' ? [forbidden('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan')] : []),
  ...(match === '' ? [] : [
    ...(sendInitialEvents === undefined ? [forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided')] : []),
    ...(match === 'NotOlderThan' ? [] : [fieldError.notSupported('resourceVersionMatch', match, ['NotOlderThan'])]),
    ...(token === '' ? [] : [forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided')]),
  ]),
]

export const listOptions = (query: URLSearchParams, watch: boolean): ListOptions => {
  const options: ListOptions = {
    labelSelector: query.get('labelSelector') ?? '', fieldSelector: query.get('fieldSelector') ?? '', resourceVersion: query.get('resourceVersion') ?? '',
    resourceVersionMatch: query.get('resourceVersionMatch') ?? '', limit: Math.max(0, integerOf(query, 'limit') ?? 0), continue: query.get('continue') ?? '', watch,
    allowWatchBookmarks: booleanOf(query.get('allowWatchBookmarks')) ?? false, sendInitialEvents: booleanOf(query.get('sendInitialEvents')), timeoutSeconds: integerOf(query, 'timeoutSeconds'),
  }
  const errors = watch ? watchErrors(options) : listErrors(options)
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', errors)
  return options
}

/** A resourceVersion as a number; '' is 0. Throws 422 in upstream's words, which name the plural as a kind. */
export const parseResourceVersion = ({ group, plural }: Pick<Kind, 'group' | 'plural'>, text: string): number => {
  if (text === '') return 0
  if (!/^\d{1,16}$/.test(text)) {
    throw invalid({ group, kind: plural }, '', [fieldError.invalid('resourceVersion', text, `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`)])
  }
  return Number(text)
}
