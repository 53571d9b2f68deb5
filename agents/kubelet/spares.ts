/** How many attempts may be armed ahead of need on this machine. A part is kept for containers that have failed before: they are the likeliest to need one. */
export interface Spares {
  mayArm(key: string, failedBefore: boolean): boolean
  armed(key: string): void
  gone(key: string): void
}

export const spares = (limit: number): Spares => {
  const held = new Set<string>()
  return {
    mayArm: (key, failedBefore) => !held.has(key) && held.size < (failedBefore ? limit : Math.floor(limit * 0.75)),
    armed: (key) => { held.add(key) },
    gone: (key) => { held.delete(key) },
  }
}
