/** Several ways to prove who one is, asked in order; without any credential the user is anonymous. Mirrors `request/union` and `request/anonymous`. */
import type { AuthenticationRequest, Authenticator } from './authenticator.ts'
import type { AnonymousAccess } from './jwt/authentication-configuration.ts'
import { anonymous, authenticated } from './users.ts'
import type { UserInfo } from '../registry/strategy.ts'

/** The in-memory transport says who calls: believed, since it is this process. */
const insideProcess: Authenticator = { authenticate: ({ peer }) => (peer.user ? authenticated(peer.user) : undefined) }

/** Who shows no credentials at all, where that is allowed. Asked for every request: what is allowed may change. */
export const anonymousAuthenticator = (access: () => AnonymousAccess | undefined): Authenticator => ({
  authenticate: ({ path = '' }) => {
    const { enabled, conditions } = access() ?? { enabled: true }
    return enabled && (!conditions || conditions.length === 0 || conditions.some((condition) => condition.path === path)) ? anonymous : undefined
  },
})

/** With anonymous users last. */
export const unionAuthenticator = (...authenticators: readonly Authenticator[]): Authenticator => inOrder([...authenticators, anonymousAuthenticator(() => undefined)])

/** Without any but those that are given. */
export const inOrder = (authenticators: readonly Authenticator[]): Authenticator => {
  const all = [insideProcess, ...authenticators]
  const from = (index: number, request: AuthenticationRequest): UserInfo | undefined | Promise<UserInfo | undefined> => {
    for (let at = index; at < all.length; at += 1) {
      const answer = all[at]?.authenticate(request)
      if (answer instanceof Promise) return answer.then((user) => user ?? from(at + 1, request))
      if (answer) return answer
    }
    return undefined
  }
  return { authenticate: (request) => from(0, request) }
}
