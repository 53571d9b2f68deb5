/** What /metrics/slis says: how each health check went, last and in all. Mirrors `k8s.io/component-base/metrics/prometheus/slis`. */
export class HealthIndicators {
  private readonly seen = new Map<string, { well: boolean; success: number; error: number }>()

  observe(name: string, type: string, well: boolean): void {
    const key = `name=${JSON.stringify(name)},type=${JSON.stringify(type)}`
    const one = this.seen.get(key) ?? { well, success: 0, error: 0 }
    one.well = well
    one[well ? 'success' : 'error'] += 1
    this.seen.set(key, one)
  }

  text(): string {
    const entries = [...this.seen]
    const totals = entries.flatMap(([key, counts]) => (['error', 'success'] as const).filter((status) => counts[status] > 0).map((status) => `kubernetes_healthchecks_total{${key},status="${status}"} ${counts[status]}\n`))
    return `# HELP kubernetes_healthcheck This metric records the result of all healthchecks.\n# TYPE kubernetes_healthcheck gauge\n${entries.map(([key, { well }]) => `kubernetes_healthcheck{${key}} ${well ? 1 : 0}\n`).join('')}`
      + `# HELP kubernetes_healthchecks_total This metric counts the results of all healthchecks.\n# TYPE kubernetes_healthchecks_total counter\n${totals.join('')}`
  }
}
