/** Who sends a request. Mirrors `k8s.io/apiserver/pkg/authentication/authenticator`. */
import type { Peer, RequestHeaders } from '../exchange.ts'
import type { UserInfo } from '../registry/strategy.ts'

export interface AuthenticationRequest {
  headers: RequestHeaders
  /** Stable for a connection. `peer.user` (in-memory transport) and `peer.certificate` (verified chain) are facts, not claims. */
  peer: Peer
  /** Decoded; absent where it does not matter. */
  path?: string
  /** Remove a credential header once it has been used (upstream strips Authorization), so that no proxy passes it on. */
  consume?(header: string): void
}

export interface Authenticator {
  /**
   * The user; undefined when the request carries no credential that this authenticator knows; throws a 401 StatusError for a bad one.
   * May answer synchronously: this runs for every request. Groups such as `system:authenticated` are added by the implementation.
   */
  authenticate(request: AuthenticationRequest): UserInfo | undefined | Promise<UserInfo | undefined>
}
