/** A machine's images as its kubelets collect them: what is there, what is in use, and away with one. */
import { existsSync, globSync, readFileSync, statfsSync } from 'node:fs'
import path from 'node:path'
import { readIndex } from './image-index.ts'
import { changeImages } from './index-lock.ts'
import { deleteImage, sweepRoots } from './load.ts'

export interface ImageStore {
  /** Of the file system that has them. */
  disk(): { capacityBytes: number; availableBytes: number }
  /** Those that may be collected: who loaded one by hand wants to keep it. */
  collectable(): readonly { id: string; sizeBytes: number }[]
  /** Ids that containers have, of every node that shares the images. */
  inUse(): ReadonlySet<string>
  /** Not if a container has come by it meanwhile: false. */
  remove(id: string): Promise<boolean>
}

const digests = /sha256:[0-9a-f]{64}/g

/** `run`: where the nodes of this machine keep what the runtime must not forget, `<node>/pods/<uid>/<container>/<attempt>/record`. */
export const imagesInUse = (run: string): Set<string> =>
  new Set(globSync(path.join(run, '*', 'pods', '*', '*', '*', 'record*')).flatMap((file) => (existsSync(file) ? (readFileSync(file, 'utf8').match(digests) ?? []) : [])))

export const imageStore = (directory: string, run: string): ImageStore => ({
  disk() {
    const { blocks, bavail, bsize } = statfsSync(existsSync(directory) ? directory : path.dirname(directory))
    return { capacityBytes: blocks * bsize, availableBytes: bavail * bsize }
  },
  collectable: () => readIndex(directory).images.filter(({ pulled }) => pulled).map(({ id, sizeBytes }) => ({ id, sizeBytes })),
  inUse: () => imagesInUse(run),
  async remove(id) {
    const removed = await changeImages(directory, () => {
      if (imagesInUse(run).has(id)) return false
      deleteImage(directory, readIndex(directory), id)
      return true
    })
    await sweepRoots(directory)
    return removed
  },
})
