/** What an answer that is no success means, by its status alone: no byte of its body is ever repeated (CVE-2020-8561). Mirrors NewGenericServerResponse of apimachinery `pkg/api/errors`. Pure. */
import { StatusError } from '../../api/status.ts'

const known: Readonly<Record<number, { reason: string; message: string }>> = {
  400: { reason: 'BadRequest', message: 'the server rejected our request for an unknown reason' },
  401: { reason: 'Unauthorized', message: 'the server has asked for the client to provide credentials' },
  403: { reason: 'Forbidden', message: 'unknown' },
  404: { reason: 'NotFound', message: 'the server could not find the requested resource' },
  405: { reason: 'MethodNotAllowed', message: 'the server does not allow this method on the requested resource' },
  406: { reason: 'NotAcceptable', message: 'the server was unable to respond with a content type that the client supports' },
  409: { reason: 'AlreadyExists', message: 'the server reported a conflict' },
  415: { reason: 'UnsupportedMediaType', message: 'the server was unable to respond with a content type that the client supports' },
  422: { reason: 'Invalid', message: 'the server rejected our request due to an error in our request' },
  429: { reason: 'TooManyRequests', message: 'the server has received too many requests and has asked us to try again later' },
  503: { reason: 'ServiceUnavailable', message: 'the server is currently unable to handle the request' },
  504: { reason: 'Timeout', message: 'the server was unable to return a response in the time allotted, but may still be processing the request' },
}

const others = (code: number): { reason: string; message: string } => (code >= 500
  ? { reason: 'InternalError', message: 'an error on the server ("unknown") has prevented the request from succeeding' }
  : { reason: '', message: `the server responded with the status code ${code} but did not return more information` })

export const unexpectedAnswer = (code: number): StatusError => {
  const { reason, message } = known[code] ?? others(code)
  return new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, ...(reason && { reason }), code, details: { causes: [{ reason: 'UnexpectedServerResponse', message: 'unknown' }] } })
}
