/** Raw scores to 0..100. Mirrors `plugins/helper/normalize_score.go`. */
import { maxScore } from './framework.ts'

/** The largest becomes 100, the others in proportion, rounded down; `reverse`: the smallest raw score is the best. In place. */
export const scaleToMax = (scores: number[], { reverse = false } = {}): void => {
  const most = Math.max(0, ...scores)
  for (const [index, score] of scores.entries()) {
    const scaled = most === 0 ? 0 : Math.floor((maxScore * score) / most)
    scores[index] = reverse ? maxScore - scaled : scaled
  }
}
