/** Audit: events of the requests that a policy names, to a sink. Mirrors `k8s.io/apiserver/pkg/endpoints/filters/{audit,authn_audit,audit_init}.go`. */
import type { Clock } from '../../api/clock.ts'
import type { Random } from '../../api/random.ts'
import { internalError, StatusError } from '../../api/status.ts'
import type { AuthorizationAttributes } from '../authorization/authorizer.ts'
import type { ServerCounters } from '../counters.ts'
import type { Exchange } from '../exchange.ts'
import { attributesOf } from '../filters/authorize.ts'
import type { Log } from '../log.ts'
import type { Filter, RequestContext } from '../request-context.ts'
import type { AuditSink } from './backend.ts'
import { type AuditConfig, type Policy, policyEvaluator } from './policy.ts'
import { AuditTrail } from './trail.ts'

export interface AuditOptions {
  policy: Policy
  sink: AuditSink
}

export interface Audit {
  /** Around authentication: whoever fails there is told of, too. */
  readonly outer: Filter
  /** After authentication, before impersonation: the policy judges who really asks. */
  readonly inner: Filter
}

/** The client's own, so that its events can be found on several servers, or a new one. Not all that a client may send can be sent back. */
const auditIDOf = ({ headers }: Exchange, random: Random): string => headers['audit-id']?.replaceAll(/[^\x20-\x7e]/g, '?') || random.uuid()

/** How somebody tried to be known; never the credentials. */
const attemptsOf = ({ headers, peer, query }: Exchange): string => {
  const [scheme = ''] = (headers['authorization'] ?? '').trim().toLowerCase().split(/\s/)
  const attempts = [...(scheme === 'basic' || scheme === 'bearer' ? [scheme] : []), ...(query.get('access_token') ? ['access_token'] : []), ...(peer.certificate ? ['x509'] : [])]
  return attempts.length > 0 ? `Authentication failed, attempted: ${attempts.join(', ')}` : 'Authentication failed, no credentials provided'
}

export const audit = ({ policy, sink }: AuditOptions, { clock, random, log, counters }: { clock: Clock; random: Random; log: Log; counters?: ServerCounters }): Audit => {
  const counted: AuditSink = { write: (line) => { counters?.auditEvents.count(); return sink.write(line) }, close: () => sink.close() }
  const evaluate: (asked: AuthorizationAttributes) => AuditConfig = policyEvaluator(policy)
  const ids = new WeakMap<Exchange, string>()
  /** The trail of a request; none where nothing is told of it. */
  const begin = (context: RequestContext): AuditTrail | undefined => {
    const config = evaluate(attributesOf(context.user, context.info))
    counters?.auditLevels.count({ level: config.level })
    return config.level === 'None' ? undefined : new AuditTrail({ clock, log, sink: counted }, context, { config, auditID: ids.get(context.exchange) ?? random.uuid() })
  }
  return {
    outer: async (context, next) => {
      const { exchange } = context
      const auditID = auditIDOf(exchange, random)
      ids.set(exchange, auditID)
      exchange.addHeader('audit-id', auditID)
      try {
        await next()
      } catch (error) {
        // Nobody got as far as the inner filter without a name.
        if (error instanceof StatusError && error.code === 401 && context.user.name === '') await begin(context)?.unauthenticated(attemptsOf(exchange))
        throw error
      }
    },
    inner: async (context, next) => {
      const trail = begin(context)
      if (!trail) return next()
      context.exchange.audit = trail
      if (await trail.emit('RequestReceived') === false) throw internalError(new Error('failed to store audit event'))
      try {
        await next()
      } catch (error) {
        await trail.failed(error)
        throw error
      }
      await trail.completed()
    },
  }
}
