/** Randomness is passed in: this is the one place that makes it. */
import { randomUUID } from 'node:crypto'

export interface Random {
  /** A number in [0, 1). */
  next(): number
  uuid(): string
}

export const systemRandom: Random = { next: Math.random, uuid: randomUUID }

// Without vowels and look-alikes, as upstream's util/rand, so that no name spells a word.
const alphabet = 'bcdfghjklmnpqrstvwxz2456789'

/** `length` characters that are safe in names, as the suffix of a generated name. Mirrors k8s.io/apimachinery/pkg/util/rand.String. */
export const nameSuffix = (random: Random, length = 5): string =>
  Array.from({ length }, () => alphabet[Math.floor(random.next() * alphabet.length)]).join('')
