/** What plugins note for themselves during one scheduling cycle. Mirrors `pkg/scheduler/framework/cycle_state.go`. */

/** Make each once, at module level. `clone` is needed where podAdded and podRemoved change the value. */
export interface StateKey<T> {
  readonly name: string
  clone?(value: T): T
}

export class CycleState {
  readonly #values: Map<StateKey<never>, unknown>

  constructor(values: Iterable<readonly [StateKey<never>, unknown]> = []) { this.#values = new Map(values) }

  get<T>(key: StateKey<T>): T | undefined { return this.#values.get(key as StateKey<never>) as T | undefined }
  set<T>(key: StateKey<T>, value: T): void { this.#values.set(key as StateKey<never>, value) }

  /** For a trial: changes to the copy's values do not reach this one. */
  clone(): CycleState {
    return new CycleState([...this.#values].map(([key, value]) => [key, key.clone ? key.clone(value as never) : value] as const))
  }
}
