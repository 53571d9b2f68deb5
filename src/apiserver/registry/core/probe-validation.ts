/** Probes and lifecycle hooks. Mirrors validateProbe, validateHandler and validateLifecycle of upstream's core validation. */
import { isHttpHeaderName, isPortName, isPortNumber } from '../../../api/names.ts'
import { fieldError, type FieldError } from '../../../api/status.ts'
import type { Container, ExecAction, GRPCAction, HTTPGetAction, LifecycleHandler, Probe, SleepAction, TCPSocketAction } from '../../../api/types.ts'
import { checkNonNegative, invalids } from '../field-checks.ts'

export const checkPortNumberOrName = (path: string, port: number | string | undefined): FieldError[] =>
  (typeof port === 'string' ? invalids(path, port, isPortName(port)) : invalids(path, port ?? 0, isPortNumber(port ?? 0)))

const checkHttpGet = (path: string, { path: urlPath, port, scheme, httpHeaders = [] }: HTTPGetAction): FieldError[] => [
  ...(urlPath ? [] : [fieldError.required(`${path}.path`)]),
  ...checkPortNumberOrName(`${path}.port`, port),
  ...(['HTTP', 'HTTPS'].includes(scheme ?? '') ? [] : [fieldError.notSupported(`${path}.scheme`, scheme ?? '', ['HTTP', 'HTTPS'])]),
  ...httpHeaders.flatMap(({ name }) => invalids(`${path}.httpHeaders`, name, isHttpHeaderName(name))),
]

interface Handler {
  exec?: ExecAction | undefined
  httpGet?: HTTPGetAction | undefined
  tcpSocket?: TCPSocketAction | undefined
  grpc?: GRPCAction | undefined
  sleep?: SleepAction | undefined
}

const checkSleep = (path: string, { seconds }: SleepAction, graceSeconds: number | undefined): FieldError[] =>
  (graceSeconds !== undefined && (seconds < 0 || seconds > graceSeconds) ? [fieldError.invalid(path, seconds, `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`)] : [])

const handlerChecks: readonly [keyof Handler, (path: string, handler: Handler, graceSeconds: number | undefined) => FieldError[]][] = [
  ['exec', (path, { exec }) => ((exec?.command ?? []).length > 0 ? [] : [fieldError.required(`${path}.command`)])],
  ['httpGet', (path, { httpGet }) => (httpGet ? checkHttpGet(path, httpGet) : [])],
  ['tcpSocket', (path, { tcpSocket }) => checkPortNumberOrName(`${path}.port`, tcpSocket?.port)],
  ['grpc', (path, { grpc }) => checkPortNumberOrName(`${path}.port`, grpc?.port)],
  ['sleep', (path, { sleep }, graceSeconds) => (sleep ? checkSleep(path, sleep, graceSeconds) : [])],
]

const checkHandler = (path: string, handler: Handler, graceSeconds: number | undefined): FieldError[] => {
  const given = handlerChecks.filter(([name]) => handler[name] !== undefined)
  if (given.length === 0) return [fieldError.required(path, 'must specify a handler type')]
  return given.flatMap(([name, check], index) => (index === 0 ? check(`${path}.${name}`, handler, graceSeconds) : [fieldError.forbidden(`${path}.${name}`, 'may not specify more than 1 handler type')]))
}

const checkProbe = (path: string, probe: Probe, graceSeconds: number | undefined): FieldError[] => [
  ...checkHandler(path, { exec: probe.exec, httpGet: probe.httpGet, tcpSocket: probe.tcpSocket, grpc: probe.grpc }, graceSeconds),
  ...(['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'] as const).flatMap((field) => checkNonNegative(`${path}.${field}`, probe[field])),
  ...((probe.terminationGracePeriodSeconds ?? 1) <= 0 ? [fieldError.invalid(`${path}.terminationGracePeriodSeconds`, probe.terminationGracePeriodSeconds, 'must be greater than 0')] : []),
]

const mustBeOne = (path: string, { successThreshold }: Probe): FieldError[] => (successThreshold === 1 ? [] : [fieldError.invalid(`${path}.successThreshold`, successThreshold ?? 0, 'must be 1')])

/** The hooks and probes of a container that may have them. */
export const checkLifecycleAndProbes = (path: string, { lifecycle, livenessProbe, readinessProbe, startupProbe }: Container, graceSeconds: number | undefined): FieldError[] => [
  ...(lifecycle?.postStart ? checkHook(`${path}.lifecycle.postStart`, lifecycle.postStart, graceSeconds) : []),
  ...(lifecycle?.preStop ? checkHook(`${path}.lifecycle.preStop`, lifecycle.preStop, graceSeconds) : []),
  ...(livenessProbe ? [...checkProbe(`${path}.livenessProbe`, livenessProbe, graceSeconds), ...mustBeOne(`${path}.livenessProbe`, livenessProbe)] : []),
  ...(readinessProbe ? [
    ...checkProbe(`${path}.readinessProbe`, readinessProbe, graceSeconds),
    ...(readinessProbe.terminationGracePeriodSeconds === undefined ? []
      : [fieldError.invalid(`${path}.readinessProbe.terminationGracePeriodSeconds`, readinessProbe.terminationGracePeriodSeconds, 'must not be set for readinessProbes')]),
  ] : []),
  ...(startupProbe ? [...checkProbe(`${path}.startupProbe`, startupProbe, graceSeconds), ...mustBeOne(`${path}.startupProbe`, startupProbe)] : []),
]

const checkHook = (path: string, { exec, httpGet, tcpSocket, sleep }: LifecycleHandler, graceSeconds: number | undefined): FieldError[] => checkHandler(path, { exec, httpGet, tcpSocket, sleep }, graceSeconds)
