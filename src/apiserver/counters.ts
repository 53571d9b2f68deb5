/** What parts of the server count for /metrics, by our own hand: a sum and a map's entry, shown when somebody looks. */

type Labels = Readonly<Record<string, string>>

const noLabels: Labels = {}
/** Most labels are always the same objects: their text is made once. */
const texts = new WeakMap<Labels, string>()

const shownLabels = (labels: Labels): string => {
  const known = texts.get(labels)
  if (known !== undefined) return known
  const made = textOf(labels)
  texts.set(labels, made)
  return made
}
const textOf = (labels: Labels): string => Object.keys(labels).sort().map((name) => `${name}=${JSON.stringify(labels[name])}`).join(',')
const named = (name: string, shown: string): string => (shown === '' ? name : `${name}{${shown}}`)

export class CountedSeries {
  private readonly name: string
  private readonly help: string
  private readonly counts = new Map<string, number>()

  constructor(name: string, help: string) {
    this.name = name
    this.help = help
  }

  count(labels: Labels = noLabels): void {
    const key = shownLabels(labels)
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1)
  }

  text(): string {
    return `# HELP ${this.name} ${this.help}\n# TYPE ${this.name} counter\n${[...this.counts].map(([key, count]) => `${named(this.name, key)} ${count}\n`).join('')}`
  }
}

export class TimedSeries {
  private readonly name: string
  private readonly help: string
  private readonly bounds: readonly number[]
  private readonly series = new Map<string, { buckets: number[]; sum: number }>()

  constructor(name: string, help: string, bounds: readonly number[]) {
    this.name = name
    this.help = help
    this.bounds = bounds
  }

  observe(labels: Labels, seconds: number): void {
    const key = shownLabels(labels)
    let one = this.series.get(key)
    if (!one) this.series.set(key, one = { buckets: Array.from({ length: this.bounds.length + 1 }, () => 0), sum: 0 })
    let bucket = 0
    while (bucket < this.bounds.length && seconds > (this.bounds[bucket] ?? 0)) bucket += 1
    one.buckets[bucket] = (one.buckets[bucket] ?? 0) + 1
    one.sum += seconds
  }

  text(): string {
    const lines = [...this.series].flatMap(([key, { buckets, sum }]) => {
      let total = 0
      const shown = buckets.map((count, index) => `${this.name}_bucket{le="${this.bounds[index] ?? '+Inf'}"${key === '' ? '' : `,${key}`}} ${(total += count)}\n`)
      return [...shown, `${named(`${this.name}_sum`, key)} ${sum}\n`, `${named(`${this.name}_count`, key)} ${total}\n`]
    })
    return `# HELP ${this.name} ${this.help}\n# TYPE ${this.name} histogram\n${lines.join('')}`
  }
}

const doubling = (first: number, count: number): number[] => Array.from({ length: count }, (_, power) => first * 2 ** power)
const admissionBounds = [0.005, 0.025, 0.1, 0.5, 1, 2.5]

/** Upstream's names: audit, authentication and authorization, admission. */
export const serverCounters = () => {
  const all = {
    auditEvents: new CountedSeries('apiserver_audit_event_total', 'Audit events that were made and sent to the sink.'),
    auditLevels: new CountedSeries('apiserver_audit_level_total', 'Requests by the level at which the policy audits them.'),
    users: new CountedSeries('authenticated_user_requests', 'Authenticated requests by user, those of names that clients choose together.'),
    authentications: new CountedSeries('authentication_attempts', 'Attempts to be known by result.'),
    authenticationTimes: new TimedSeries('authentication_duration_seconds', 'How long finding out who asks took, by result.', doubling(0.001, 15)),
    certificateExpirations: new TimedSeries('apiserver_client_certificate_expiration_seconds', 'How long client certificates are still valid, of every request that shows one.', [0, 1800, 3600, 7200, 21_600, 43_200, 86_400, 172_800, 345_600, 604_800, 2_592_000, 7_776_000, 15_552_000, 31_104_000]),
    authorizations: new CountedSeries('authorization_attempts_total', 'Decisions about requests by result.'),
    authorizationTimes: new TimedSeries('authorization_duration_seconds', 'How long deciding about requests took, by result.', doubling(0.001, 15)),
    pluginTimes: new TimedSeries('apiserver_admission_controller_admission_duration_seconds', 'How long admission plugins took.', admissionBounds),
    unavailable: new CountedSeries('aggregator_unavailable_apiservice_total', 'How often the servers of APIServices stopped to answer, and why.'),
    webhookTimes: new TimedSeries('apiserver_admission_webhook_admission_duration_seconds', 'How long admission webhooks took.', [...admissionBounds, 10, 25]),
    webhookRequests: new CountedSeries('apiserver_admission_webhook_request_total', 'Calls of admission webhooks by what came of them.'),
    webhookRejections: new CountedSeries('apiserver_admission_webhook_rejection_count', 'What admission webhooks refused, or made fail.'),
    webhookFailOpens: new CountedSeries('apiserver_admission_webhook_fail_open_count', 'Requests that passed although a webhook could not be called.'),
  }
  return { ...all, text: () => Object.values(all).map((series) => series.text()).join('') }
}

export type ServerCounters = ReturnType<typeof serverCounters>
