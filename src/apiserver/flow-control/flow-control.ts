/** Priority and fairness: every request has a flow, every flow a level, every level its seats. Mirrors apiserver's `pkg/util/flowcontrol/apf_{controller,filter}.go`. */
import type { Clock } from '../../api/clock.ts'
import { FlowSchemas, PriorityLevelConfigurations } from '../../api/kinds.ts'
import type { FlowSchema } from '../../api/types.ts'
import type { Log } from '../log.ts'
import type { UserInfo } from '../registry/strategy.ts'
import type { RequestInfo } from '../request-info.ts'
import type { WatchCache } from '../watch-cache/watch-cache.ts'
import { adjustEveryMs, currentLimits } from './borrowing.ts'
import { matchesFlowSchema } from './classify.ts'
import { flowConfiguration } from './configuration.ts'
import { FlowStatistics } from './flow-statistics.ts'
import { PriorityLevel } from './priority-level.ts'
import { seatLimits } from './shares.ts'

export interface FlowControlOptions {
  /** Of the whole server: the sum of upstream's --max-requests-inflight and --max-mutating-requests-inflight. */
  seats: number
}

export interface Flow { readonly schema: FlowSchema; readonly level: PriorityLevel; readonly statistics: FlowStatistics }

export class FlowControl {
  private readonly parts: { cache: WatchCache; clock: Clock; log: Log; seats: number }
  private flows: readonly Flow[] = []
  private readonly statistics = new Map<string, FlowStatistics>()
  private readonly levelsByName = new Map<string, PriorityLevel>()

  constructor(parts: { cache: WatchCache; clock: Clock; log: Log; seats: number }) {
    this.parts = parts
    this.configure()
  }

  get levels(): Iterable<PriorityLevel> { return this.levelsByName.values() }
  get series(): Iterable<readonly [level: string, schema: string, FlowStatistics]> {
    return [...this.statistics].map(([key, statistics]) => { const [level = '', schema = ''] = key.split(' '); return [level, schema, statistics] as const })
  }

  /** The first schema that matches; the last one matches everybody that has been let in. */
  classify(user: UserInfo, info: RequestInfo): Flow {
    const { flows } = this
    for (const flow of flows) if (matchesFlowSchema(flow.schema, user, info)) return flow
    const last = flows.at(-1)
    if (!last) throw new Error('no flow schema is configured')
    return last
  }

  /** Takes over what the cache shows. */
  private configure(): void {
    const { cache, clock } = this.parts
    const now = clock.monotonic()
    const { levels, schemas } = flowConfiguration(cache.lookup.list(FlowSchemas), cache.lookup.list(PriorityLevelConfigurations))
    for (const [name, { spec, uid }] of levels) {
      const level = this.levelsByName.get(name) ?? new PriorityLevel(name, spec, now)
      level.configure(spec, uid, now)
      this.levelsByName.set(name, level)
    }
    for (const level of this.levelsByName.values()) {
      if (levels.has(level.name)) continue
      level.quiescing = true
      if (level.idle) this.levelsByName.delete(level.name)
    }
    const limits = seatLimits(new Map([...this.levelsByName].map(([name, { spec }]) => [name, spec])), this.parts.seats)
    for (const level of this.levelsByName.values()) {
      level.limits = limits.get(level.name) ?? level.limits
      level.setLimit(level.limits.nominal, now)
    }
    this.flows = schemas.flatMap((schema) => {
      const level = this.levelsByName.get(schema.spec.priorityLevelConfiguration?.name ?? '')
      return level ? [{ schema, level, statistics: this.statisticsOf(level.name, schema.metadata.name) }] : []
    })
  }

  private statisticsOf(level: string, schema: string): FlowStatistics {
    const key = `${level} ${schema}`
    const known = this.statistics.get(key) ?? new FlowStatistics()
    this.statistics.set(key, known)
    return known
  }

  /** Seats go where they have been needed lately. */
  private adjust(): void {
    const now = this.parts.clock.monotonic()
    if ([...this.levels].some(({ quiescing, idle }) => quiescing && idle)) this.configure()
    const levels = [...this.levels]
    const limits = currentLimits(levels.map(({ exempt, limits: own, demand }) => ({ exempt, limits: own, demand: demand.finish(now) })))
    for (const [index, level] of levels.entries()) level.setLimit(limits[index] ?? level.limits.nominal, now)
  }

  /** Follows the stored configuration, and adjusts what is borrowed, until the signal aborts. */
  async run(signal: AbortSignal, started: () => void = () => undefined): Promise<void> {
    const { cache, clock } = this.parts
    let changed = true
    const watcher = { namespace: '', offer: () => { changed = true }, flush: () => { if (changed) this.configure(); changed = false }, expire: () => this.configure() }
    const unsubscribe = [FlowSchemas, PriorityLevelConfigurations].filter((kind) => cache.has(kind)).map((kind) => cache.of(kind).subscribe(watcher))
    this.configure()
    started()
    while (!signal.aborted) {
      await clock.sleep(adjustEveryMs, signal).catch(() => undefined)
      if (!signal.aborted) this.adjust()
    }
    for (const stop of unsubscribe) stop()
  }
}
