/** Errors are Kubernetes `Status` objects, made by named constructors. Mirrors apimachinery `pkg/api/errors`. */
import { groupResource, type Kind } from './kinds.ts'
import type { Status, StatusCause } from './types.ts'

type Reason = 'Unauthorized' | 'Forbidden' | 'NotFound' | 'AlreadyExists' | 'Conflict' | 'Gone' | 'Expired' | 'Invalid' | 'BadRequest' | 'MethodNotAllowed' | 'NotAcceptable'
  | 'UnsupportedMediaType' | 'RequestEntityTooLarge' | 'TooManyRequests' | 'ServerTimeout' | 'Timeout' | 'InternalError' | 'ServiceUnavailable' | 'NotImplemented'

const codes: Record<Reason, number> = {
  Unauthorized: 401, Forbidden: 403, NotFound: 404, AlreadyExists: 409, Conflict: 409, Gone: 410, Expired: 410, Invalid: 422, BadRequest: 400, MethodNotAllowed: 405, NotAcceptable: 406,
  UnsupportedMediaType: 415, RequestEntityTooLarge: 413, TooManyRequests: 429, ServerTimeout: 500, Timeout: 504, InternalError: 500, ServiceUnavailable: 503, NotImplemented: 501,
}

/** An error that carries the `Status` which a client is to see. */
export class StatusError extends Error {
  override readonly name = 'StatusError'
  readonly status: Status
  constructor(status: Status, options?: ErrorOptions) {
    super(status.message ?? status.reason ?? 'unknown error', options)
    this.status = status
  }

  get code(): number { return this.status.code ?? 500 }
  get reason(): string { return this.status.reason ?? '' }

  /** Any thrown value as a StatusError: what is not one yet becomes an InternalError, as upstream's ErrorToAPIStatus does. */
  static from(error: unknown): StatusError {
    return error instanceof StatusError ? error : internalError(error)
  }
}

const failure = (reason: Reason, message: string, details?: Status['details'], options?: ErrorOptions): StatusError =>
  new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, ...(details && { details }), code: codes[reason] }, options)

type Resource = Pick<Kind, 'group' | 'plural'>
const detailsOf = ({ group, plural }: Resource, name: string): NonNullable<Status['details']> => ({ ...(name && { name }), ...(group && { group }), kind: plural })

export const notFound = (resource: Resource, name: string): StatusError =>
  failure('NotFound', `${groupResource(resource)} ${JSON.stringify(name)} not found`, detailsOf(resource, name))

export const alreadyExists = (resource: Resource, name: string): StatusError =>
  failure('AlreadyExists', `${groupResource(resource)} ${JSON.stringify(name)} already exists`, detailsOf(resource, name))

export const conflict = (resource: Resource, name: string, why: string): StatusError =>
  failure('Conflict', `Operation cannot be fulfilled on ${groupResource(resource)} ${JSON.stringify(name)}: ${why}`, detailsOf(resource, name))

/** The conflict of a stale resourceVersion, in upstream's words. */
export const staleWrite = (resource: Resource, name: string): StatusError =>
  conflict(resource, name, 'the object has been modified; please apply your changes to the latest version and try again')

export const forbidden = (resource: Resource, name: string, why: string): StatusError =>
  failure('Forbidden', name ? `${groupResource(resource)} ${JSON.stringify(name)} is forbidden: ${why}` : `${groupResource(resource)} is forbidden: ${why}`, detailsOf(resource, name))

/** A refusal of a path that is no resource: upstream's `forbidden: User "x" cannot get path "/y"`. */
export const forbiddenPath = (message: string): StatusError => failure('Forbidden', message, {})

export const unauthorized = (message = 'Unauthorized'): StatusError => failure('Unauthorized', message)
export const badRequest = (message: string): StatusError => failure('BadRequest', message)
export const methodNotSupported = (resource: Resource, action: string): StatusError =>
  failure('MethodNotAllowed', `${action} is not supported on resources of kind ${JSON.stringify(groupResource(resource))}`, detailsOf(resource, ''))
export const methodNotAllowed = (): StatusError => failure('MethodNotAllowed', 'the server does not allow this method on the requested resource', {})
export const resourceNotFound = (): StatusError => failure('NotFound', 'the server could not find the requested resource', {})
/** What no part of the server answers at all: upstream says so in plain text, and its clients read that as resourceNotFound. */
export class PathNotFound extends StatusError {}
export const pathNotFound = (): StatusError => new PathNotFound(resourceNotFound().status)
export const notAcceptable = (message: string): StatusError => failure('NotAcceptable', message)
export const unsupportedMediaType = (message: string): StatusError => failure('UnsupportedMediaType', message)
export const requestEntityTooLarge = (message: string): StatusError => failure('RequestEntityTooLarge', message)
export const expired = (message: string): StatusError => failure('Expired', message)
export const gone = (message: string): StatusError => failure('Gone', message)
export const tooManyRequests = (message: string, retryAfterSeconds: number): StatusError => failure('TooManyRequests', message, { retryAfterSeconds })
export const serverTimeout = (message: string, retryAfterSeconds = 1): StatusError => failure('ServerTimeout', message, { retryAfterSeconds })
export const timeout = (message: string): StatusError => failure('Timeout', message)
export const serviceUnavailable = (message: string): StatusError => failure('ServiceUnavailable', message)
/** What Wherry does not support is refused by name. */
export const notImplemented = (message: string): StatusError => failure('NotImplemented', message)
/** A refusal whose reason upstream tells nobody: what NewGenericServerResponse makes of 422. */
export const rejectedRequest = (): StatusError => failure('Invalid', 'the server rejected our request due to an error in our request', {})
/** An error that upstream passes on as it is: 500 with the bare message and without a reason. */
export const unclassified = (message: string): StatusError => new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code: 500 })
export const internalError = (error: unknown): StatusError => {
  const message = error instanceof Error ? error.message : String(error)
  return failure('InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] }, { cause: error })
}

/** One thing wrong with one field, in upstream's vocabulary. Mirrors `pkg/util/validation/field`. */
export interface FieldError {
  type: 'FieldValueRequired' | 'FieldValueInvalid' | 'FieldValueNotSupported' | 'FieldValueDuplicate' | 'FieldValueForbidden' | 'FieldValueTooLong' | 'FieldValueTooMany' | 'FieldValueNotFound' | 'FieldValueTypeInvalid' | 'InternalError'
  path: string
  /** The words after the path: `Invalid value: 3: must be even`. */
  message: string
}

/** What is wrong, as `fieldError.invalid('spec.replicas', -1, 'must be ...')` in upstream's words; values are printed as Go prints them, supported ones in the order given. */
export const fieldError = {
  required: (path: string, detail = ''): FieldError => ({ type: 'FieldValueRequired', path, message: detail ? `Required value: ${detail}` : 'Required value' }),
  invalid: (path: string, value: unknown, detail: string): FieldError => ({ type: 'FieldValueInvalid', path, message: `Invalid value: ${goValue(value)}: ${detail}` }),
  notSupported: (path: string, value: unknown, supported: readonly string[]): FieldError => ({ type: 'FieldValueNotSupported', path,
    message: `Unsupported value: ${goValue(value)}${supported.length > 0 ? `: supported values: ${supported.map((each) => JSON.stringify(each)).join(', ')}` : ''}` }),
  duplicate: (path: string, value: unknown): FieldError => ({ type: 'FieldValueDuplicate', path, message: `Duplicate value: ${goValue(value)}` }),
  forbidden: (path: string, detail: string): FieldError => ({ type: 'FieldValueForbidden', path, message: detail ? `Forbidden: ${detail}` : 'Forbidden' }),
  tooLong: (path: string, maxLength: number): FieldError => ({ type: 'FieldValueTooLong', path, message: `Too long: may not be more than ${maxLength} bytes` }),
  tooMany: (path: string, actual: number, max: number): FieldError => ({ type: 'FieldValueTooMany', path, message: `Too many: ${actual}: must have at most ${max} items` }),
  notFound: (path: string, value: unknown): FieldError => ({ type: 'FieldValueNotFound', path, message: `Not found: ${goValue(value)}` }),
}

const goValue = (value: unknown): string => (value === null || value === undefined ? 'null' : JSON.stringify(value))

/** 422 with every error listed: `Deployment.apps "web" is invalid: spec.replicas: Invalid value: ...`. */
export const invalid = (of: Pick<Kind, 'group' | 'kind'>, name: string, errors: readonly FieldError[]): StatusError => {
  const lines = [...new Set(errors.map(({ path, message }) => (path ? `${path}: ${message}` : message)))]
  const causes: StatusCause[] = errors.map(({ type, path, message }) => ({ reason: type, message, field: path }))
  const list = lines.length === 1 ? lines[0] : `[${lines.join(', ')}]`
  return failure('Invalid', `${of.kind}${of.group ? `.${of.group}` : ''} ${JSON.stringify(name)} is invalid: ${list}`,
    { ...(name && { name }), ...(of.group && { group: of.group }), kind: of.kind, causes })
}

const hasReason = (...reasons: Reason[]) => (error: unknown): error is StatusError => error instanceof StatusError && (reasons as string[]).includes(error.reason)
export const isNotFound = hasReason('NotFound')
export const isAlreadyExists = hasReason('AlreadyExists')
export const isConflict = hasReason('Conflict')
export const isExpired = hasReason('Expired', 'Gone')
export const isInvalid = hasReason('Invalid')
export const isForbidden = hasReason('Forbidden')
