/** Several ways to prove who one is, asked in order; without any credential the user is anonymous. Mirrors `request/union` and `request/anonymous`. */
import type { AuthenticationRequest, Authenticator } from './authenticator.ts'
import { anonymous, authenticated } from './users.ts'
import type { UserInfo } from '../registry/strategy.ts'

/** The in-memory transport says who calls: believed, since it is this process. */
const insideProcess: Authenticator = { authenticate: ({ peer }) => (peer.user ? authenticated(peer.user) : undefined) }

const anonymousUser: Authenticator = { authenticate: () => anonymous }

export const unionAuthenticator = (...authenticators: readonly Authenticator[]): Authenticator => {
  const all = [insideProcess, ...authenticators, anonymousUser]
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
