/** `maxSurge: 1` or `maxSurge: 25%`. Mirrors apimachinery's pkg/util/intstr. */

/** The value against `total`; a percentage is rounded as asked. Throws for text that is no percentage. */
export const scaledValue = (value: number | string | undefined, total: number, round: 'up' | 'down'): number => {
  if (value === undefined) return 0
  if (typeof value === 'number') return value
  const percent = /^(\d+)%$/.exec(value)?.[1]
  if (percent === undefined) throw new Error(`invalid value for IntOrString: invalid type: string is not a percentage: ${JSON.stringify(value)}`)
  const scaled = (Number(percent) * total) / 100
  return round === 'up' ? Math.ceil(scaled) : Math.floor(scaled)
}
