/** What a server has to finish after it has started, by upstream's names: a health check each. Mirrors apiserver's `pkg/server/hooks.go`. */
import type { HealthCheck } from './health.ts'

export class StartHooks {
  private readonly done = new Map<string, boolean>()

  /** Announced before it begins. */
  expect(...names: readonly string[]): void { for (const name of names) this.done.set(name, false) }
  finished(...names: readonly string[]): void { for (const name of names) if (this.done.has(name)) this.done.set(name, true) }

  isFinished(name: string): boolean { return this.done.get(name) === true }

  /** In the order in which they were announced. */
  checks(): HealthCheck[] {
    return [...this.done.keys()].map((name) => ({ name: `poststarthook/${name}`, check: () => (this.done.get(name) ? undefined : 'not finished') }))
  }
}
