/** Events, which clients of two groups write: the rules of core/v1 hold for all, those of events.k8s.io/v1 for who comes that way. Mirrors upstream's `pkg/apis/core/validation/events.go`. */
import { isDns1123Subdomain } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { Event } from '../../../api/types.ts'
import { checkQualifiedName, invalids } from '../field-checks.ts'

const namespaceDiffers = ({ involvedObject }: Event): FieldError => fieldError.invalid('involvedObject.namespace', involvedObject.namespace ?? '', 'does not match event.namespace')

/** Events of the time before `eventTime`. */
const checkOldStyle = (event: Event): FieldError[] => {
  const { metadata: { namespace = '' }, involvedObject } = event
  const matches = involvedObject.namespace ? namespace === involvedObject.namespace : namespace === '' || namespace === 'default'
  return matches ? [] : [namespaceDiffers(event)]
}

const limits = [['reportingInstance', 128], ['action', 128], ['reason', 128]] as const
const maxMessage = 1024

const checkNewStyle = (event: Event, viewed: boolean): FieldError[] => {
  const { metadata: { namespace = '' }, involvedObject, reportingComponent = '', message = '' } = event
  const controller = viewed ? 'reportingController' : 'reportingComponent'
  return [
    ...(!involvedObject.namespace && namespace !== 'default' && namespace !== 'kube-system' ? [namespaceDiffers(event)] : []),
    ...(reportingComponent ? [] : [fieldError.required(controller)]),
    ...checkQualifiedName(controller, reportingComponent),
    ...limits.flatMap(([field, limit]) => (event[field] ? event[field].length > limit ? [fieldError.invalid(field, '', `can have at most ${limit} characters`)] : [] : [fieldError.required(field)])),
    ...(message.length > maxMessage ? [fieldError.invalid('message', '', `can have at most ${maxMessage} characters`)] : []),
  ]
}

const checkAny = (event: Event, viewed: boolean): FieldError[] => {
  const { namespace = '' } = event.metadata
  return [...(event.eventTime ? checkNewStyle(event, viewed) : checkOldStyle(event)), ...invalids('namespace', namespace, isDns1123Subdomain(namespace))]
}

const checkSeries = ({ series }: Event): FieldError[] => (series ? [
  ...((series.count ?? 0) < 2 ? [fieldError.invalid('series.count', '', 'should be at least 2')] : []),
  ...(series.lastObservedTime ? [] : [fieldError.required('series.lastObservedTime')]),
] : [])

const unset = (path: string): FieldError => fieldError.invalid(path, '', 'needs to be unset')

/** `viewed`: the request came through events.k8s.io/v1. */
export const checkEvent = (event: Event, viewed: boolean): FieldError[] => [
  ...checkAny(event, viewed),
  ...(viewed ? [
    ...checkSeries(event),
    ...(event.eventTime ? [] : [fieldError.required('eventTime')]),
    ...(event.type === 'Normal' || event.type === 'Warning' ? [] : [fieldError.invalid('type', '', `has invalid value: ${event.type ?? ''}`)]),
    ...(['firstTimestamp', 'lastTimestamp', 'count'] as const).filter((field) => event[field]).map(unset),
    ...(event.source?.component || event.source?.host ? [unset('source')] : []),
  ] : []),
]

/**
 * Fields of an existing event may change, and its new series is not looked at, by either group: upstream's strategy compares the new event with itself
 * (`pkg/registry/core/event/strategy.go`), and its conformance test patches the note through events.k8s.io/v1.
 */
export const checkEventUpdate = (next: Event, viewed: boolean): FieldError[] => checkAny(next, viewed)
