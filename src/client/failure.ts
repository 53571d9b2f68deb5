/** An answer that is not a success as an error. Mirrors client-go `rest/request.go: transformResponse` and apimachinery `errors.NewGenericServerResponse`. */
import { StatusError } from '../api/status.ts'
import type { Status } from '../api/types.ts'
import type { ApiRequest, ApiResponse } from './transport.ts'

const generic: Readonly<Record<number, readonly [reason: string, message: string]>> = {
  400: ['BadRequest', 'the server rejected our request for an unknown reason'],
  401: ['Unauthorized', 'the server has asked for the client to provide credentials'],
  403: ['Forbidden', 'the server does not allow this request'],
  404: ['NotFound', 'the server could not find the requested resource'],
  405: ['MethodNotAllowed', 'the server does not allow this method on the requested resource'],
  406: ['NotAcceptable', 'the server was unable to respond with a content type that the client supports'],
  409: ['Conflict', 'the server reported a conflict'],
  410: ['Gone', 'the requested resource is gone'],
  413: ['RequestEntityTooLarge', 'the request is too large'],
  415: ['UnsupportedMediaType', 'the server does not support the media type of the request'],
  422: ['Invalid', 'the server rejected our request due to an error in our request'],
  429: ['TooManyRequests', 'the server has received too many requests and has asked us to try again later'],
  503: ['ServiceUnavailable', 'the server is currently unable to handle the request'],
  504: ['Timeout', 'the server was unable to return a response in the time allotted, but may still be processing the request'],
}

const isStatus = (body: unknown): body is Status => typeof body === 'object' && body !== null && 'kind' in body && body.kind === 'Status'

const parsed = (body: string): unknown => {
  try { return JSON.parse(body) } catch { return undefined } // not JSON: some proxy's page, told below in generic words
}

/** The StatusError of an answer of 400 or more: the server's own Status, or, when it sent none, one made from the code. */
export const failureOf = (request: ApiRequest, response: ApiResponse, body: string): StatusError => {
  const status = parsed(body)
  if (isStatus(status)) return new StatusError({ ...status, code: status.code ?? response.status })
  const [reason, message] = generic[response.status] ?? ['InternalError', `an error on the server (${JSON.stringify(body.slice(0, 200))}) has prevented the request from succeeding`]
  const path = request.path.split('?', 1)[0]
  return new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason, code: response.status, message: `${message} (${request.method} ${path})` })
}
