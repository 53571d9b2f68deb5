/** Several kinds of tokens. Mirrors apiserver's `pkg/authentication/token/union`: the first who knows a token answers; what the others found wrong with it is told only if nobody does. */
import type { TokenReviewer } from './service-account-token.ts'

export const unionTokens = (...reviewers: readonly TokenReviewer[]): TokenReviewer => ({
  review: async (token, audiences) => {
    const errors: Error[] = []
    for (const reviewer of reviewers) {
      try {
        const reviewed = await reviewer.review(token, audiences)
        if (reviewed) return reviewed
      } catch (error) {
        errors.push(error as Error)
      }
    }
    if (errors.length > 0) throw errors.length === 1 ? errors[0] : new Error(`[${errors.map(({ message }) => message).join(', ')}]`)
    return undefined
  },
})
