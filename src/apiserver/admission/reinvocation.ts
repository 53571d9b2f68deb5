/** A plugin may change what an earlier one would have judged otherwise: then all of them are asked once more. Mirrors apiserver's `pkg/admission/reinvocation.go`. */
export class Reinvocation {
  /** Whether this is the second round. */
  again = false
  /** Whether there is to be one. */
  requested = false
  private readonly memories = new Map<string, unknown>()

  request(): void { this.requested = true }

  /** What a plugin remembers of the first round in the second. */
  memory<T>(plugin: string, make: () => T): T {
    const known = this.memories.get(plugin) as T | undefined
    if (known !== undefined) return known
    const made = make()
    this.memories.set(plugin, made)
    return made
  }
}
