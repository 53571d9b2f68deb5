/** Resource versions are decimal numbers of one counter (Kubernetes says so since 1.35), without leading zeros; '' is before all of them. */

/** Below 0 when `a` is older than `b`, 0 when equal, above 0 when newer. Compares text: no number is wide enough, and none need be made. */
export const compareResourceVersions = (a: string, b: string): number =>
  a.length !== b.length ? a.length - b.length : a < b ? -1 : a > b ? 1 : 0

export const newerResourceVersion = (a: string, b: string): string => (compareResourceVersions(a, b) >= 0 ? a : b)
