/** The order of API versions: v2 before v1 before v1beta1 before v1alpha1 before everything else. Mirrors apimachinery's `pkg/version/helpers.go`. */

const stages: Readonly<Record<string, number>> = { alpha: 1, beta: 2, '': 3 }
type Rank = readonly [stage: number, major: number, minor: number]

const rankOf = (version: string): Rank | undefined => {
  const [, major, stage = '', minor = '0'] = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version) ?? []
  return major === undefined ? undefined : [stages[stage] ?? 0, Number(major), Number(minor)]
}

/** Positive when `left` is the better version. */
export const compareVersions = (left: string, right: string): number => {
  const [a, b] = [rankOf(left), rankOf(right)]
  // What is no version of Kubernetes' comes last, by name.
  if (!a && !b) return left === right ? 0 : left < right ? 1 : -1
  if (!a || !b) return a ? 1 : -1
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2]
}
