/** Prometheus' text format. Pure. */

export interface Point { labels: Readonly<Record<string, string>>; value: number; at?: Date }
export interface Metric { name: string; /** With its stability in front, as upstream's registry writes it: `[STABLE] …`. */ help: string; type: 'counter' | 'gauge'; points: readonly Point[] }

const escaped = (value: string): string => value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')

const render = ({ name, help, type, points }: Metric): string => [
  `# HELP ${name} ${help}`, `# TYPE ${name} ${type}`,
  ...points.map(({ labels, value, at }) => {
    const inside = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`).join(',')
    return `${name}${inside && `{${inside}}`} ${value}${at ? ` ${at.getTime()}` : ''}`
  }),
].join('\n')

/** By name; a metric without any point is left out. */
export const prometheusText = (metrics: readonly Metric[]): string =>
  metrics.filter(({ points }) => points.length > 0).toSorted((one, other) => (one.name < other.name ? -1 : 1)).map((metric) => `${render(metric)}\n`).join('')
