/** How a deletion is to be done: the body, or the query where there is none. Mirrors metav1.DeleteOptions and its validation. */
import { decodeObject, maxBodyBytes } from '../../api/decode.ts'
import { badRequest, type FieldError, fieldError, invalid } from '../../api/status.ts'
import type { DeleteOptions } from '../../api/types.ts'
import type { Exchange } from '../exchange.ts'
import { booleanOf } from './list-options.ts'
import { dryRunErrors } from './write-options.ts'

export type { DeleteOptions } from '../../api/types.ts'

const bodyKind = { group: '', version: 'v1', kind: 'DeleteOptions', schema: 'DeleteOptions' } as const

const fromQuery = (query: URLSearchParams): DeleteOptions => {
  const grace = query.get('gracePeriodSeconds')
  if (grace !== null && !/^-?\d{1,15}$/.test(grace)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(grace)}: invalid syntax`)
  const orphan = booleanOf(query.get('orphanDependents'))
  const policy = query.get('propagationPolicy')
  const ignore = booleanOf(query.get(unsafe))
  return {
    ...(grace !== null && { gracePeriodSeconds: Number(grace) }), ...(orphan !== undefined && { orphanDependents: orphan }), ...(policy !== null && { propagationPolicy: policy }),
    ...(ignore !== undefined && { [unsafe]: ignore }), ...(query.has('dryRun') && { dryRun: query.getAll('dryRun') }),
  }
}

const policies = ['Foreground', 'Background', 'Orphan']

const unsafe = 'ignoreStoreReadErrorWithClusterBreakingPotential'
/** Nothing else may be asked along with it. (apimachinery `pkg/apis/meta/v1/validation`: ValidateIgnoreStoreReadError) */
const unsafeErrors = (options: DeleteOptions): FieldError[] => (options[unsafe] !== true ? [] : ([
  ['dryRun', (options.dryRun ?? []).length > 0], ['propagationPolicy', options.propagationPolicy !== undefined], ['orphanDependents', options.orphanDependents !== undefined],
  ['gracePeriodSeconds', options.gracePeriodSeconds !== undefined], ['preconditions', options.preconditions !== undefined],
] as const).flatMap(([field, set]) => (set ? [fieldError.invalid(unsafe, true, `cannot be set together with .${field}`)] : [])))

const errorsOf = (options: DeleteOptions): FieldError[] => {
  const { propagationPolicy, orphanDependents, dryRun } = options
  return [

  ...(propagationPolicy !== undefined && orphanDependents !== undefined
    ? [fieldError.invalid('propagationPolicy', propagationPolicy, 'orphanDependents and deletionPropagation cannot be both set')] : []),
  ...(propagationPolicy !== undefined && !policies.includes(propagationPolicy) ? [fieldError.notSupported('propagationPolicy', propagationPolicy, [...policies, 'nil'])] : []),
  ...dryRunErrors(dryRun ?? []),
  ...unsafeErrors(options),
  ]
}

/** Throws 400 or 422 for what is not understood. */
export const checkedDeleteOptions = (options: DeleteOptions): DeleteOptions => {
  const errors = errorsOf(options)
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', errors)
  return options
}

export const deleteOptions = async (exchange: Exchange): Promise<DeleteOptions> => {
  const body = await exchange.body(maxBodyBytes)
  if (body.length === 0) return exchange.rawQuery === '' ? {} : checkedDeleteOptions(fromQuery(exchange.query))
  const { object } = decodeObject<DeleteOptions>(body, exchange.headers['content-type'], { kind: bodyKind, fieldValidation: 'Ignore' })
  exchange.audit?.sent(object)
  return checkedDeleteOptions(object)
}

export const isDryRun = ({ dryRun }: DeleteOptions): boolean => (dryRun ?? []).length > 0
