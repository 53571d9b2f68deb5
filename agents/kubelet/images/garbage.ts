/** Which images go when the disk that has them is full. Mirrors pkg/kubelet/images/image_gc_manager.go. Pure. */

export interface GarbagePolicy {
  /** From this usage on images are removed… */
  highPercent: number
  /** … until it is this. */
  lowPercent: number
  /** An image that has been here for less is about to be used. */
  minAgeMilliseconds: number
  /** One that nobody has used for longer goes, however much room there is; 0: none does. */
  maxAgeMilliseconds: number
}

/** Upstream's defaults (imageGCHighThresholdPercent, imageGCLowThresholdPercent, imageMinimumGCAge). */
export const defaultGarbagePolicy: GarbagePolicy = { highPercent: 85, lowPercent: 80, minAgeMilliseconds: 120_000, maxAgeMilliseconds: 0 }

/** An image that may go: one that a registry gave. Moments are milliseconds since the epoch; `lastUsed` 0: never. */
export interface ImageAge { id: string; sizeBytes: number; firstDetected: number; lastUsed: number }

/** 0: the disk is not full. */
export const bytesToFree = ({ capacityBytes, availableBytes }: { capacityBytes: number; availableBytes: number }, { highPercent, lowPercent }: GarbagePolicy): number => {
  const available = Math.min(availableBytes, capacityBytes)
  const usedPercent = 100 - Math.trunc((available * 100) / capacityBytes)
  return usedPercent >= highPercent ? Math.trunc((capacityBytes * (100 - lowPercent)) / 100) - available : 0
}

/** What is known of images after another look; `now` is 0 at the first one, when nobody knows how long they have been here. */
export const detected = (known: readonly ImageAge[], images: readonly { id: string; sizeBytes: number }[], { inUse, first, now }: { inUse: ReadonlySet<string>; first: boolean; now: number }): ImageAge[] =>
  images.map(({ id, sizeBytes }) => {
    const before = known.find((each) => each.id === id)
    return { id, sizeBytes, firstDetected: before?.firstDetected ?? (first ? 0 : now), lastUsed: inUse.has(id) ? now : (before?.lastUsed ?? 0) }
  })

/** In the order in which they go: those that nobody uses, the longest unused first. */
export const candidates = (images: readonly ImageAge[], { now, policy }: { now: number; policy: GarbagePolicy }): ImageAge[] => images
  .filter(({ lastUsed, firstDetected }) => lastUsed < now && now - firstDetected >= policy.minAgeMilliseconds)
  .sort((left, right) => left.lastUsed - right.lastUsed || left.firstDetected - right.firstDetected)

/** Those that nobody has used for too long; `since`: when this kubelet began to look, before which it knows of no use. Mirrors freeOldImages. */
export const outdated = (images: readonly ImageAge[], { now, since, policy }: { now: number; since: number; policy: GarbagePolicy }): ImageAge[] =>
  (policy.maxAgeMilliseconds === 0 || now - since <= policy.maxAgeMilliseconds ? [] : candidates(images, { now, policy }).filter(({ lastUsed }) => now - lastUsed > policy.maxAgeMilliseconds))
