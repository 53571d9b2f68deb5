/**
 * Which root file system a container gets. There is no registry: an image is `host`, the machine's own file system, or one that was loaded; for
 * anything else the pod waits with upstream's reasons, and the message says what to do. Mirrors pkg/kubelet/images in reasons, messages and back-off.
 */
import { type BackOff, nextBackOff } from './back-off.ts'
import { parseReference } from './images/reference.ts'
import type { ImageRef } from './runtime/runtime.ts'

/** What an image says about its containers; `host` says nothing. */
export interface ResolvedImage {
  ref: ImageRef
  /** For `status.imageID`. */
  id: string
  entrypoint: readonly string[]
  command: readonly string[]
  env: readonly { name: string; value: string }[]
  workingDir: string
  user: { uid: number; gid: number | undefined } | undefined
  /** As the image names its user; '' for root. */
  userName: string
  stopSignal: string | undefined
}

export interface Images {
  /** undefined: the machine does not have it. */
  resolve(name: string): Promise<ResolvedImage | undefined>
  /** For the node's status. */
  list(): readonly { names: string[]; sizeBytes: number }[]
}

const host: ResolvedImage = { ref: { kind: 'host' }, id: 'host', entrypoint: [], command: [], env: [], workingDir: '/', user: undefined, userName: '', stopSignal: undefined }

/** The machine's own file system and nothing else. */
export const hostImage: Images = { resolve: (name) => Promise.resolve(name === 'host' ? host : undefined), list: () => [] }

export interface ImageVerdict {
  reason: 'InvalidImageName' | 'ErrImageNeverPull' | 'ErrImagePull' | 'ImagePullBackOff'
  message: string
  /** What the pod's events say. */
  events: readonly { type: 'Normal' | 'Warning'; reason: string; message: string }[]
  backOff: BackOff | undefined
  retryMilliseconds: number | undefined
}

const explanation = (image: string): string =>
  `Wherry pulls no images: use "image: host" for the machine's own file system, or load this one with "wherry image load FILE --name ${image}"`

/** Why a container whose image is not here does not start. `backOff` is the entry of this pod and image. */
export const missingImage = (image: string, pullPolicy: string | undefined, backOff: BackOff | undefined, now: number): ImageVerdict => {
  const quoted = JSON.stringify(image)
  if (!parseReference(image)) {
    const message = `Failed to apply default image tag ${quoted}: couldn't parse image name ${quoted}: invalid reference format`
    return { reason: 'InvalidImageName', message, events: [warning('InspectFailed', message), warning('Failed', 'Error: InvalidImageName')], backOff, retryMilliseconds: undefined }
  }
  if (pullPolicy === 'Never') {
    const message = `Container image ${quoted} is not present with pull policy of Never`
    return { reason: 'ErrImageNeverPull', message, events: [warning('ErrImageNeverPull', message), warning('Failed', 'Error: ErrImageNeverPull')], backOff, retryMilliseconds: undefined }
  }
  const why = explanation(image)
  const remaining = backOff ? backOff.updatedAt + backOff.delayMilliseconds - now : 0
  if (backOff && remaining > 0) {
    return { reason: 'ImagePullBackOff', message: `Back-off pulling image ${quoted}: ErrImagePull: ${why}`, backOff, retryMilliseconds: remaining,
      events: [{ type: 'Normal', reason: 'BackOff', message: `Back-off pulling image ${quoted}` }, warning('Failed', 'Error: ImagePullBackOff')] }
  }
  return { reason: 'ErrImagePull', message: why, backOff: nextBackOff(backOff, now, now), retryMilliseconds: 1000, events: [
    { type: 'Normal', reason: 'Pulling', message: `Pulling image ${quoted}` }, warning('Failed', `Failed to pull image ${quoted}: ${why}`), warning('Failed', 'Error: ErrImagePull'),
  ] }
}

const warning = (reason: string, message: string): ImageVerdict['events'][number] => ({ type: 'Warning', reason, message })
