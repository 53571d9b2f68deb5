/** Several authorizers, asked in order; the first that has an opinion decides. Mirrors `authorization/union`. */
import { mastersGroup } from '../authentication/users.ts'
import type { AuthorizationAttributes, Authorizer, Decision } from './authorizer.ts'

const noOpinion: Decision = { verdict: 'no-opinion', reason: '' }

/** Members of system:masters may do everything, whatever roles say: the way back in when roles are broken. */
export const privilegedGroup: Authorizer = { authorize: ({ user }) => (user.groups.includes(mastersGroup) ? { verdict: 'allow', reason: '' } : noOpinion) }

export const unionAuthorizer = (...authorizers: readonly Authorizer[]): Authorizer => {
  const from = (start: number, asked: AuthorizationAttributes, reasons: readonly string[]): Decision | Promise<Decision> => {
    let collected = reasons
    for (let at = start; at < authorizers.length; at += 1) {
      const answer = authorizers[at]?.authorize(asked) ?? noOpinion
      if (answer instanceof Promise) return answer.then((decision) => (decision.verdict === 'no-opinion' ? from(at + 1, asked, withReason(collected, decision)) : decision))
      if (answer.verdict !== 'no-opinion') return answer
      collected = withReason(collected, answer)
    }
    return { verdict: 'no-opinion', reason: collected.join('\n') }
  }
  return { authorize: (asked) => from(0, asked, []) }
}

const withReason = (reasons: readonly string[], { reason }: Decision): readonly string[] => (reason === '' ? reasons : [...reasons, reason])
