/** Who may do what. Mirrors `k8s.io/apiserver/pkg/authorization/authorizer`. */
import type { FieldTerm } from '../../api/field-selector.ts'
import type { Requirement } from '../../api/selector.ts'
import type { UserInfo } from '../registry/strategy.ts'

export interface AuthorizationAttributes {
  user: UserInfo
  /** A resource verb (get, list, watch, create, update, patch, delete, deletecollection, ...) or, for other paths, the lower-case HTTP method. */
  verb: string
  resourceRequest: boolean
  /** '' for non-resource requests and the core group. */
  apiGroup: string
  apiVersion: string
  resource: string
  subresource: string
  /** '' for cluster-scoped requests and lists over all namespaces. */
  namespace: string
  name: string
  /** The decoded path of the request. */
  path: string
  /** What a list, watch or deletion of a collection is narrowed to; absent: nothing, or nothing that can be read. */
  fieldSelector?: readonly FieldTerm[]
  labelSelector?: readonly Requirement[]
}

export interface Decision {
  verdict: 'allow' | 'deny' | 'no-opinion'
  /** Shown to the user after a refusal, when not empty. */
  reason: string
}

export interface Authorizer {
  /** May answer synchronously: this runs for every request. */
  authorize(attributes: AuthorizationAttributes): Decision | Promise<Decision>
}

/** What upstream's --authorization-mode=AlwaysAllow does. */
export const alwaysAllow: Authorizer = { authorize: () => ({ verdict: 'allow', reason: '' }) }
