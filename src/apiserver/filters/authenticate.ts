import type { Clock } from '../../api/clock.ts'
import { unauthorized } from '../../api/status.ts'
import type { Authenticator } from '../authentication/authenticator.ts'
import type { ServerCounters } from '../counters.ts'
import type { UserInfo } from '../registry/strategy.ts'
import type { Filter } from '../request-context.ts'

const success = { result: 'success' }
const noLabels = {}
const ownNames = new Map(['admin', 'client', 'kube_proxy', 'kubelet', 'system:serviceaccount:kube-system:default'].map((username) => [username, { username }]))
const address = { username: 'email_id' }
const anybody = { username: 'other' }
/** As upstream's compressUsername: clients' names must not become labels. */
const userLabel = (name: string): { username: string } => ownNames.get(name) ?? (name.includes('@') ? address : anybody)

/** What is known at once is not measured: it takes less than that. */
const timed = async (answer: Promise<UserInfo | undefined>, counting: { counters: ServerCounters; clock: Pick<Clock, 'monotonic'> } | undefined): Promise<UserInfo | undefined> => {
  if (!counting) return answer
  const { counters, clock } = counting
  const begun = clock.monotonic()
  const finish = (result: string): void => counters.authenticationTimes.observe({ result }, (clock.monotonic() - begun) / 1000)
  try {
    const user = await answer
    finish(user ? 'success' : 'failure')
    return user
  } catch (error) {
    finish('error')
    counters.authentications.count({ result: 'error' })
    throw error
  }
}

/** Who asks. 401 when nobody knows the credentials. Calls inside this process carry their user with them. */
export const authenticate = (authenticator: Authenticator, counting?: { counters: ServerCounters; clock: Pick<Clock, 'monotonic' | 'now'> }): Filter => async (context, next) => {
  const { exchange } = context
  const { peer } = exchange
  let user: UserInfo | undefined = peer.user
  if (!user) {
    const answer = authenticator.authenticate({ headers: exchange.headers, peer, path: context.info.path })
    user = answer instanceof Promise ? await timed(answer, counting) : answer
  }
  if (!user) {
    counting?.counters.authentications.count({ result: 'failure' })
    throw unauthorized()
  }
  if (counting) {
    counting.counters.authentications.count(success)
    if (peer.certificate) counting.counters.certificateExpirations.observe(noLabels, (peer.certificate.notAfter.getTime() - counting.clock.now().getTime()) / 1000)
    counting.counters.users.count(userLabel(user.name))
  }
  context.user = user
  return next()
}
