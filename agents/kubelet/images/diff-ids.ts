/**
 * Whether an image's layers are those that its configuration names. An image is known by the digest of its configuration: without this, one could come under
 * the configuration of another, with layers of its own, and be what everybody gets who asks for that other. Mirrors containerd (rootfs.ApplyLayers, image.Unpack). Pure.
 */

export interface LayersSaid { rootfs?: { diff_ids?: unknown } | null }

/** What the configuration says, the lowest first; throws when it says something else than `count` digests. */
export const diffIdsOf = ({ rootfs }: LayersSaid, count: number): string[] => {
  const said = rootfs?.diff_ids ?? []
  if (!Array.isArray(said) || said.some((each) => typeof each !== 'string')) throw new Error('the image\'s configuration has no list of digests as rootfs.diff_ids')
  if (said.length !== count) throw new Error(`mismatched image rootfs and manifest layers: rootfs.diff_ids of the image's configuration names ${said.length}, its manifest ${count}`)
  return said as string[]
}

export const checkDiffId = (said: string | undefined, found: string): void => {
  if (said !== found) throw new Error(`wrong diff id calculated on extraction: a layer is ${found}, and the image's configuration says ${said}`)
}
