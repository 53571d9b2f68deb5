/**
 * Sees to it that a container's image is here: at once where it is, else by a pull beside the pod's worker, which goes on with the rest and is woken at its end. Pulls wait for one
 * another as upstream's do. Mirrors EnsureImageExists (pkg/kubelet/images/image_manager.go) and its pullers.
 */
import type { Clock } from '../../../src/api/clock.ts'
import type { Pod, Secret } from '../../../src/api/types.ts'
import type { Log } from '../../../src/client/component.ts'
import type { Occurrence } from '../../../src/client/events.ts'
import { goDuration } from '../back-off.ts'
import { turnstile } from '../turnstile.ts'
import { backingOff, decideImage, type ImageBackOff, type Images, type ImageVerdict, invalidName, missingImage, neverPulled, pulling, pullFailed, type ResolvedImage, runtimeRefOf } from '../image.ts'
import { hashOf, loginsFor, loginsOfSecret, type RegistryLogin } from './docker-config.ts'
import type { CredentialProviders } from './credential-provider/providers.ts'
import type { AccountUse, SecretUse } from './pull-records.ts'
import { parseReference } from './reference.ts'
import type { Registries } from './registries.ts'

export interface ImageWanted {
  pod: Pod
  /** Which part of the pod wants it: a container's or a volume's name. */
  part: string
  /** As the pod names it. */
  image: string
  pullPolicy: string | undefined
  backOff: ImageBackOff | undefined
  /** Aborts when nobody wants it any more. */
  signal: AbortSignal
  tell(what: Pick<Occurrence, 'type' | 'reason' | 'message'>): void
}

/** `coming`: the pod's worker is woken when there is more to say. `pulled`: the pull has been told. */
export type ImageAnswer = { is: 'here'; image: ResolvedImage; pulled: boolean } | { is: 'coming' } | { is: 'missing'; verdict: ImageVerdict }

export interface ImageManager {
  ensure(wanted: ImageWanted): Promise<ImageAnswer>
  /** Everything that a part of the pod wanted is here: its next start asks anew. */
  taken(podUid: string, parts: readonly string[]): void
  /** What this machine has by this name, without asking anybody. */
  resolve: Images['resolve']
  /** The pod is gone. */
  forget(podUid: string): void
}

export interface ImageManagerOptions {
  images: Images
  /** undefined: this kubelet reaches no registries. */
  registries: Registries | undefined
  /** Programs that know credentials; none if absent. */
  credentialProviders?: Pick<CredentialProviders, 'logins' | 'accounts'>
  clock: Clock
  log: Log
  /** Whoever asks for an image that lies here may use it, whoever pulled it. */
  neverVerify?: boolean
  /** How many are pulled at a time; upstream's default is one. */
  maxParallelPulls?: number
  /** Whether another pull may begin now; always if absent. */
  mayPull?: () => boolean
  secret(namespace: string, name: string): Promise<Secret | undefined>
  wake(podUid: string): void
}

interface Login extends RegistryLogin { secret: SecretUse | undefined; account?: AccountUse | undefined }

interface Job { outcome: { ok: true } | { ok: false; why: string } | undefined; controller: AbortController }

const text = (error: unknown): string => (error instanceof Error ? error.message : String(error))
const here = (image: ResolvedImage, pulled = false): ImageAnswer => ({ is: 'here', image, pulled })
const missing = (verdict: ImageVerdict): ImageAnswer => ({ is: 'missing', verdict })

export const imageManager = ({ images, registries, credentialProviders, neverVerify = false, clock, log, maxParallelPulls = 1, mayPull = () => true, secret: readSecret, wake }: ImageManagerOptions): ImageManager => {
  const jobs = new Map<string, Job>()
  const untold = new Map<string, string>()
  const inTurn = turnstile(maxParallelPulls)

  const secretsOf = async ({ pod, tell }: ImageWanted): Promise<Secret[]> => {
    const found: Secret[] = []
    const lacking: string[] = []
    for (const { name = '' } of pod.spec.imagePullSecrets ?? []) {
      // As upstream: an entry without a name is passed over.
      if (!name) continue
      const secret = await readSecret(pod.metadata.namespace ?? '', name).catch(() => undefined)
      if (secret) found.push(secret)
      else lacking.push(name)
    }
    const message = lacking.length === 0 ? '' : `Unable to retrieve some image pull secrets (${lacking.join(', ')}); attempting to pull the image may not succeed.`
    if (message && untold.get(pod.metadata.uid) !== message) tell({ type: 'Warning', reason: 'FailedToRetrieveImagePullSecret', message })
    if (message) untold.set(pod.metadata.uid, message)
    else untold.delete(pod.metadata.uid)
    return found
  }

  const loginsOf = (secrets: readonly Secret[], repository: string): Login[] => {
    const ofPod = secrets.flatMap((secret) => loginsOfSecret(secret).map((login): Login => ({ ...login,
      secret: { namespace: secret.metadata.namespace ?? '', name: secret.metadata.name, uid: secret.metadata.uid, hash: hashOf(login.credentials) } })))
    const ofNode = (registries?.logins() ?? []).map((login): Login => ({ ...login, secret: undefined }))
    return [...loginsFor(ofPod, repository), ...loginsFor(ofNode, repository)]
  }

  /** Of programs of the node; those that gave them for the same location stay in their order. */
  const loginsProvided = async (pod: Pod, repository: string, signal: AbortSignal): Promise<Login[]> =>
    (credentialProviders ? loginsFor(await credentialProviders.logins(pod, repository, signal), repository).map((login) => ({ ...login, secret: undefined })) : [])

  const pullNow = async ({ pod, image, tell }: ImageWanted, { logins: known, repository }: { logins: readonly Login[]; repository: string }, signal: AbortSignal): Promise<void> => {
    if (!registries) return
    const asked = clock.monotonic()
    await inTurn(async () => {
      signal.throwIfAborted()
      if (!mayPull()) throw new Error('pull QPS exceeded')
      const logins = [...known, ...(await loginsProvided(pod, repository, signal))]
      const begun = clock.monotonic()
      const { image: { id, sizeBytes }, usedCredentials, warnings = [] } = await registries.pull({ image, credentials: logins.map(({ credentials }) => credentials) }, signal)
      await registries.recordPull({ id, repository, secret: usedCredentials === undefined ? undefined : logins[usedCredentials]?.secret, account: usedCredentials === undefined ? undefined : logins[usedCredentials]?.account })
      for (const warning of warnings) log.warn('an image is not wholly as its registry has it', { image, warning })
      const since = (moment: number): string => goDuration(Math.trunc(clock.monotonic() - moment))
      tell({ type: 'Normal', reason: 'Pulled', message: `Successfully pulled image ${JSON.stringify(image)} in ${since(begun)} (${since(asked)} including waiting). Image size: ${sizeBytes} bytes.` })
    })
  }

  const begin = (key: string, wanted: ImageWanted, how: { logins: readonly Login[]; repository: string }): ImageAnswer => {
    const job: Job = { outcome: undefined, controller: new AbortController() }
    const signal = AbortSignal.any([wanted.signal, job.controller.signal])
    jobs.set(key, job)
    wanted.tell(pulling(wanted.image))
    pullNow(wanted, how, signal).then(() => { job.outcome = { ok: true } }, (error: unknown) => { job.outcome = { ok: false, why: text(error) } }).finally(() => {
      if (signal.aborted) jobs.delete(key)
      else wake(wanted.pod.metadata.uid)
    })
    return { is: 'coming' }
  }

  const finished = async ({ image, backOff }: ImageWanted, outcome: NonNullable<Job['outcome']>): Promise<ImageAnswer> => {
    const found = outcome.ok ? await images.resolve(image) : undefined
    if (found) return here(found, true)
    return missing(pullFailed(image, outcome.ok ? 'the image was removed again' : outcome.why, { backOff, now: clock.now().getTime() }))
  }

  const mayUseAs = async (image: { id: string; repository: string }, pod: Pod, secrets: readonly SecretUse[]): Promise<boolean> => {
    if (!registries || registries.mayUse(image, secrets)) return registries !== undefined
    return credentialProviders !== undefined && registries.mayUse(image, await credentialProviders.accounts(pod, image.repository))
  }

  return {
    resolve: images.resolve,
    async ensure(wanted) {
      const { pod, part, image, pullPolicy: policy, backOff } = wanted
      const key = `${pod.metadata.uid}/${part}/${image}`
      const job = jobs.get(key)
      if (job && !job.outcome) return { is: 'coming' }
      if (job?.outcome) {
        const answer = await finished(wanted, job.outcome)
        if (answer.is !== 'here') jobs.delete(key)
        return answer
      }
      const present = await images.resolve(image)
      const secrets = await secretsOf(wanted)
      const now = clock.now().getTime()
      if (!registries) return present ? here(present) : missing(missingImage(image, policy, backOff, now))
      const invalid = present ? undefined : invalidName(image)
      if (invalid) return missing(invalid)
      const repository = parseReference(image)?.repository ?? image
      try {
        const logins = present && !present.pulled ? [] : loginsOf(secrets, repository)
        const mine = logins.flatMap(({ secret }) => (secret ? [secret] : []))
        const mayUse = present !== undefined && (!present.pulled || neverVerify || (await mayUseAs({ id: runtimeRefOf(present.ref), repository }, pod, mine)))
        const decision = decideImage({ policy, present, mayUse })
        if (decision === 'use' && present) return here(present)
        if (decision === 'refuse') return missing(neverPulled(image))
        const held = backingOff(image, backOff, now)
        return held ? missing(held) : begin(key, wanted, { logins, repository })
      } catch (error) {
        // A configuration or a secret that cannot be read.
        return missing(backingOff(image, backOff, now) ?? pullFailed(image, text(error), { backOff, now }))
      }
    },
    taken(podUid, parts) {
      for (const key of jobs.keys()) if (parts.some((part) => key.startsWith(`${podUid}/${part}/`))) jobs.delete(key)
    },
    forget(podUid) {
      untold.delete(podUid)
      for (const [key, job] of jobs) if (key.startsWith(`${podUid}/`)) { job.controller.abort(new Error('the pod is gone')); jobs.delete(key) }
    },
  }
}
