/**
 * The restart back-off of one container: none before the first restart, then 10 s, doubling to 300 s; forgotten after the container
 * has run for 10 minutes. Mirrors client-go's util/flowcontrol Backoff as kuberuntime's doBackOff uses it. Moments are milliseconds since the epoch,
 * so that an entry can be kept on disk.
 */
export interface BackOff { delayMilliseconds: number; updatedAt: number }

const initialBackOffMilliseconds = 10_000
const maxBackOffMilliseconds = 300_000
const forgottenMilliseconds = 600_000

const isForgotten = (entry: BackOff, finishedAt: number): boolean => finishedAt - entry.updatedAt > forgottenMilliseconds

/** Beyond what rounding does: an end in the future is one of before the clock was set back. */
const clockToleranceMilliseconds = 2000

/** How long a container that finished at `finishedAt` has to wait still; 0 if it may start now. Nobody waits for a clock that was set back to come again to where it was. */
export const remainingBackOff = (entry: BackOff | undefined, finishedAt: number, now: number): number =>
  entry === undefined || isForgotten(entry, finishedAt) || finishedAt > now + clockToleranceMilliseconds ? 0 : Math.max(0, finishedAt + entry.delayMilliseconds - now)

/** The entry after a restart at `now`. `longest`: what the node's configuration allows; a first delay is no longer either. */
export const nextBackOff = (entry: BackOff | undefined, { finishedAt, now, longest = maxBackOffMilliseconds }: { finishedAt: number; now: number; longest?: number | undefined }): BackOff => ({
  delayMilliseconds: Math.min(longest, entry === undefined || isForgotten(entry, finishedAt) ? initialBackOffMilliseconds : entry.delayMilliseconds * 2),
  updatedAt: now,
})

/** A duration as Go prints it: `10s`, `1m20s`, `5m0s`, `1.5s`. */
export const goDuration = (milliseconds: number): string => {
  if (milliseconds === 0) return '0s'
  if (milliseconds < 1000) return `${milliseconds}ms`
  const hours = Math.floor(milliseconds / 3_600_000)
  const minutes = Math.floor(milliseconds / 60_000) % 60
  return `${hours ? `${hours}h` : ''}${hours || minutes ? `${minutes}m` : ''}${(milliseconds % 60_000) / 1000}s`
}
