/**
 * Which root file system a container gets: `host`, the machine's own file system, an image that was loaded, or one that a registry gives. What pods are told when there is
 * none, in upstream's reasons, messages and back-off. Mirrors pkg/kubelet/images. Pure.
 */
import { type BackOff, nextBackOff } from './back-off.ts'
import { parseReference } from './images/reference.ts'
import type { ImageRef } from './runtime/runtime.ts'

/** What an image says about its containers; `host` says nothing. */
export interface ResolvedImage {
  ref: ImageRef
  /** For `status.imageID`. */
  id: string
  /** For `status.image`: its full name; '' for the one that the pod uses. */
  name?: string
  entrypoint: readonly string[]
  command: readonly string[]
  env: readonly { name: string; value: string }[]
  workingDir: string
  user: { uid: number; gid: number | undefined } | undefined
  /** As the image names its user; '' for root. */
  userName: string
  stopSignal: string | undefined
  /** It came from a registry, and policies look there. Otherwise it is this node's own and needs none. */
  pulled?: boolean
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

const baseName = (word: string): string => word.slice(word.lastIndexOf('/') + 1)

/**
 * The words that a container's `args` make with its image's own, as upstream: none or empty ones leave the image's command. A program of the machine that stands for an image is not
 * named twice: the entry points of the images that it stands for take args that begin with their program (`args: [redis-server, /etc/redis.conf]`) as well as flags for it.
 */
export const imageCommand = ({ ref, entrypoint, command }: Pick<ResolvedImage, 'ref' | 'entrypoint' | 'command'>, args: readonly string[]): string[] => {
  const [first] = args
  if (first === undefined) return [...entrypoint, ...command]
  const at = ref.kind === 'host' ? entrypoint.findIndex((word) => baseName(word) === baseName(first)) : -1
  return [...(at < 0 ? entrypoint : entrypoint.slice(0, at)), ...args]
}

/** The image as the runtime tells it of a container, for `==`. */
export const runtimeRefOf = (ref: ImageRef): string => (ref.kind === 'host' ? 'host' : ref.id)

/** The back-off of a pod and an image, with what went wrong last. */
export interface ImageBackOff extends BackOff { why?: string }

export interface ImageVerdict {
  reason: 'InvalidImageName' | 'ErrImageNeverPull' | 'ErrImagePull' | 'ImagePullBackOff'
  message: string
  /** What the pod's events say. */
  events: readonly { type: 'Normal' | 'Warning'; reason: string; message: string }[]
  backOff: ImageBackOff | undefined
  retryMilliseconds: number | undefined
}

/** What is to be done for an image. An image of this node's own (`present` and not `pulled`) needs no registry, whatever the policy says. */
export const decideImage = ({ policy, present, mayUse }: { policy: string | undefined; present: Pick<ResolvedImage, 'pulled'> | undefined; mayUse: boolean }): 'use' | 'pull' | 'refuse' => {
  if (present && !present.pulled) return 'use'
  if (policy === 'Always') return 'pull'
  if (present && mayUse) return 'use'
  return policy === 'Never' ? 'refuse' : 'pull'
}

const warning = (reason: string, message: string): ImageVerdict['events'][number] => ({ type: 'Warning', reason, message })

/** undefined: the name is one. */
export const invalidName = (image: string): ImageVerdict | undefined => {
  if (parseReference(image)) return undefined
  const quoted = JSON.stringify(image)
  const message = `Failed to apply default image tag ${quoted}: couldn't parse image name ${quoted}: invalid reference format`
  return { reason: 'InvalidImageName', message, events: [warning('InspectFailed', message), warning('Failed', 'Error: InvalidImageName')], backOff: undefined, retryMilliseconds: undefined }
}

export const neverPulled = (image: string): ImageVerdict => {
  const message = `Container image ${JSON.stringify(image)} is not present with pull policy of Never`
  return { reason: 'ErrImageNeverPull', message, events: [warning('ErrImageNeverPull', message), warning('Failed', 'Error: ErrImageNeverPull')], backOff: undefined, retryMilliseconds: undefined }
}

/** undefined: the next try may begin. */
export const backingOff = (image: string, backOff: ImageBackOff | undefined, now: number): ImageVerdict | undefined => {
  // An entry of the future was made before the clock was set back: nobody waits for that.
  const remaining = backOff && backOff.updatedAt <= now ? backOff.updatedAt + backOff.delayMilliseconds - now : 0
  if (!backOff || remaining <= 0) return undefined
  const message = `Back-off pulling image ${JSON.stringify(image)}`
  return { reason: 'ImagePullBackOff', message: backOff.why === undefined ? message : `${message}: ErrImagePull: ${backOff.why}`, backOff, retryMilliseconds: remaining,
    events: [{ type: 'Normal', reason: 'BackOff', message }, warning('Failed', 'Error: ImagePullBackOff')] }
}

export const pulling = (image: string): ImageVerdict['events'][number] => ({ type: 'Normal', reason: 'Pulling', message: `Pulling image ${JSON.stringify(image)}` })

/** After a pull that ended so. */
export const pullFailed = (image: string, why: string, { backOff, now }: { backOff: ImageBackOff | undefined; now: number }): ImageVerdict => ({
  reason: 'ErrImagePull', message: why, backOff: { ...nextBackOff(backOff, { finishedAt: now, now }), why }, retryMilliseconds: 1000,
  events: [warning('Failed', `Failed to pull image ${JSON.stringify(image)}: ${why}`), warning('Failed', 'Error: ErrImagePull')],
})

const explanation = (image: string): string =>
  `Wherry pulls no images: use "image: host" for the machine's own file system, or load this one with "wherry image load FILE --name ${image}"`

/** Why a container whose image is not here does not start, where this kubelet reaches no registries. `backOff` is the entry of this pod and image. */
export const missingImage = (image: string, pullPolicy: string | undefined, backOff: ImageBackOff | undefined, now: number): ImageVerdict => {
  const early = invalidName(image) ?? (pullPolicy === 'Never' ? neverPulled(image) : backingOff(image, backOff, now))
  if (early) return early
  const failed = pullFailed(image, explanation(image), { backOff, now })
  return { ...failed, events: [pulling(image), ...failed.events] }
}
