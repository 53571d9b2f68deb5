/** Structured logs, one JSON object a line on standard error, where `kubectl logs` and the keeper's file take them up. */
import pino from 'pino'
import type { Log } from '../client/component.ts'

export const processLog = (component: string, level: string = process.env['WHERRY_LOG'] ?? 'info'): Log => {
  const logger = pino({ base: { component }, level, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } }, pino.destination({ fd: 2, sync: true }))
  return {
    info: (message, fields) => logger.info(fields ?? {}, message),
    warn: (message, fields) => logger.warn(fields ?? {}, message),
    error: (message, fields) => logger.error(fields ?? {}, message),
    debug: (message, fields) => logger.debug(fields ?? {}, message),
    blocked: () => !process.stderr.writable || process.stderr.errored !== null,
  }
}
