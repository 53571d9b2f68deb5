/** What failed, as upstream names it in events: `MountVolume.MountDevice`. */
export class StepError extends Error {
  override readonly name = 'StepError'
  readonly step: string
  constructor(step: string, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.step = step
  }
}

/** Somebody else has to do something first; there is nothing to tell. */
export class NotYet extends Error { override readonly name = 'NotYet' }
