import { unauthorized } from '../../api/status.ts'
import type { Authenticator } from '../authentication/authenticator.ts'
import type { UserInfo } from '../registry/strategy.ts'
import type { Filter } from '../request-context.ts'

/** Who asks. 401 when nobody knows the credentials. Calls inside this process carry their user with them. */
export const authenticate = (authenticator: Authenticator): Filter => async (context, next) => {
  const { exchange } = context
  const { peer } = exchange
  let user: UserInfo | undefined = peer.user
  if (!user) {
    const answer = authenticator.authenticate({ headers: exchange.headers, peer, path: context.info.path })
    user = answer instanceof Promise ? await answer : answer
  }
  if (!user) throw unauthorized()
  context.user = user
  return next()
}
