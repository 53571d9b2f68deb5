/** The better node is the one whose cpu and memory would be used alike. Mirrors `plugins/noderesources/balanced_allocation.go`. */
import { maxScore, type Plugin } from '../framework.ts'

const resources = ['cpu', 'memory']

export const nodeResourcesBalancedAllocation: Plugin = {
  name: 'NodeResourcesBalancedAllocation',

  // A pod that asks for nothing balances nothing: scoring it would send all such pods to one node.
  preScore: ({ requests }) => (resources.some((name) => (requests.get(name) ?? 0) > 0) ? undefined : 'skip'),

  /** 100 less the standard deviation of the used fractions, in percent. */
  score: (pod, node) => {
    const fractions = resources.flatMap((name) => {
      const allocatable = node.allocatable.get(name) ?? 0
      return allocatable === 0 ? [] : [Math.min(1, ((node.requested.get(name) ?? 0) + (pod.requests.get(name) ?? 0)) / allocatable)]
    })
    const mean = fractions.reduce((sum, fraction) => sum + fraction, 0) / fractions.length
    const deviation = fractions.length < 2 ? 0 : Math.sqrt(fractions.reduce((sum, fraction) => sum + (fraction - mean) ** 2, 0) / fractions.length)
    return Math.floor((1 - deviation) * maxScore)
  },
}
