/** The query of a write, checked. Mirrors metav1's CreateOptions, UpdateOptions, PatchOptions and their validation. */
import { type FieldValidation, isFieldValidation } from '../../api/decode.ts'
import type { JsonObject } from '../../api/meta.ts'
import { type FieldError, fieldError, invalid } from '../../api/status.ts'
import type { Exchange } from '../exchange.ts'
import { booleanOf } from './list-options.ts'

export interface WriteOptions {
  kind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions'
  dryRun: boolean
  /** As the client names itself, or made of its user agent. */
  fieldManager: string
  fieldValidation: FieldValidation
  force: boolean | undefined
  /** What of it the client said itself. */
  sent: { fieldManager?: string; fieldValidation?: string }
}

const nothingSent: WriteOptions['sent'] = {}

const isPrintable = (text: string): boolean => /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u.test(text)
const maxManagerLength = 128

/** `kubectl/v1.36.3 (linux/amd64)` → `kubectl`. */
const managerOf = (userAgent: string | undefined): string => {
  const name = (userAgent ?? '').split('/', 1)[0] ?? ''
  let result = ''
  for (const character of name) if (isPrintable(character) && Buffer.byteLength(result + character) <= maxManagerLength) result += character
  return result === '' ? 'unknown' : result
}

export const managerErrors = (fieldManager: string): FieldError[] => [
  ...(Buffer.byteLength(fieldManager) > maxManagerLength ? [fieldError.tooLong('fieldManager', maxManagerLength)] : []),
  ...(isPrintable(fieldManager) ? [] : [fieldError.invalid('fieldManager', fieldManager, 'should only contain printable characters')]),
]

export const dryRunErrors = (values: readonly string[]): FieldError[] =>
  (values.every((value) => value === 'All') ? [] : [fieldError.notSupported('dryRun', values.find((value) => value !== 'All'), ['All'])])

const errorsOf = (query: URLSearchParams, apply: boolean | undefined): FieldError[] => {
  const fieldManager = query.get('fieldManager') ?? ''
  const validation = query.get('fieldValidation') ?? ''
  return [
    ...dryRunErrors(query.getAll('dryRun')),
    ...managerErrors(fieldManager),
    ...(validation === '' || isFieldValidation(validation) ? [] : [fieldError.notSupported('fieldValidation', validation, ['', 'Ignore', 'Strict', 'Warn'])]),
    ...(apply === true && fieldManager === '' ? [fieldError.required('fieldManager', 'is required for apply patch')] : []),
    ...(apply === false && query.get('force') !== null ? [fieldError.forbidden('force', 'may not be specified for non-apply patch')] : []),
  ]
}

/** `apply` says of a patch whether it is one; undefined for other writes. */
export const writeOptions = (exchange: Exchange, kind: WriteOptions['kind'], apply?: boolean): WriteOptions => {
  if (exchange.rawQuery === '') {
    if (apply) throw invalid({ group: 'meta.k8s.io', kind }, '', [fieldError.required('fieldManager', 'is required for apply patch')])
    return { kind, dryRun: false, fieldManager: managerOf(exchange.headers['user-agent']), fieldValidation: 'Warn', force: undefined, sent: nothingSent }
  }
  const { query } = exchange
  const errors = errorsOf(query, apply)
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind }, '', errors)
  const [manager, validation] = [query.get('fieldManager') ?? '', query.get('fieldValidation') ?? '']
  return {
    kind, dryRun: query.getAll('dryRun').length > 0, fieldManager: manager || managerOf(exchange.headers['user-agent']),
    fieldValidation: isFieldValidation(validation) ? validation : 'Warn', force: booleanOf(query.get('force')),
    sent: { ...(manager && { fieldManager: manager }), ...(validation && { fieldValidation: validation }) },
  }
}

/** As admission sees them: what the client left out is not there. */
export const optionsObject = ({ kind, dryRun, force, sent }: WriteOptions): JsonObject => ({
  kind, apiVersion: 'meta.k8s.io/v1', ...(dryRun && { dryRun: ['All'] }), ...(force !== undefined && { force }), ...sent,
})
