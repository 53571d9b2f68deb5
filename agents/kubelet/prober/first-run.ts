/** What a probe makes of a program that has only just begun. Pure. */
import type { ProbeOutcome } from './probe.ts'

const [shortest, longest] = [50, 800]

/**
 * Nobody listens yet: of a container that was started a moment ago this says nothing but that. Upstream's first run comes anywhere in the first period, mostly when the program listens already;
 * ours comes at once, and is repeated until then, so that what listens after a tenth of a second is not unready for a whole period, and no event tells of what is as it should be.
 */
export const listensNotYet = ({ result, output }: ProbeOutcome): boolean => result === 'failure' && /: connect: connection refused$/.test(output)

/** Milliseconds before the next try, after so many. */
export const pauseBeforeNextTry = (tries: number): number => Math.min(longest, shortest * 2 ** tries)
