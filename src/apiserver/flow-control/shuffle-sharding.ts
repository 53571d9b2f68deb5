/** Which queues a flow may use. Mirrors apiserver's `pkg/util/shufflesharding` and hashFlowID. */
import { createHash } from 'node:crypto'

/** By which a flow's hand is dealt: of its schema and of what tells it apart. */
export const flowHash = (schema: string, distinguisher: string): bigint =>
  createHash('sha256').update(`${schema}\0${distinguisher}`).digest().readBigUInt64LE(0)

/** `handSize` different numbers below `deckSize`. */
export const deal = (hash: bigint, deckSize: number, handSize: number): number[] => {
  let rest = hash
  const hand: number[] = []
  for (let dealt = 0; dealt < handSize; dealt += 1) {
    const left = BigInt(deckSize - dealt)
    // The n-th of the cards that have not been dealt yet.
    let card = Number(rest % left)
    rest /= left
    for (const taken of hand.toSorted((a, b) => a - b)) if (card >= taken) card += 1
    hand.push(card)
  }
  return hand
}
