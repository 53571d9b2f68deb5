/**
 * exec, attach and portforward take the right to `create`, whatever the request's method: a WebSocket is asked for with GET, which is authorized as `get`.
 * Mirrors `pkg/registry/core/pod/rest`: ensureAuthorizedForVerb (the AuthorizePodWebsocketUpgradeCreatePermission gate).
 */
import { Pods } from '../../api/kinds.ts'
import { forbidden } from '../../api/status.ts'
import type { Authorizer } from '../authorization/authorizer.ts'
import { attributesOf } from '../filters/authorize.ts'
import type { ConnectRequest } from './connect-handler.ts'

/** 403 for who may only `get`. */
export const ensureMayCreate = async (authorizer: Authorizer, { user, info }: Pick<ConnectRequest, 'user' | 'info'>): Promise<void> => {
  if (info.verb === 'create') return
  const { verdict, reason } = await authorizer.authorize({ ...attributesOf(user, info), verb: 'create' })
  if (verdict !== 'allow') throw forbidden(Pods, info.name, reason)
}
