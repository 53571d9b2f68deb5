/** Policies, back-off, turns, secrets and what pods are told. Named cases after image_manager_test.go and pullmanager's. */
import { describe, expect, test } from 'vitest'
import { decideImage, type ImageBackOff, type ResolvedImage } from '../../../agents/kubelet/image.ts'
import { type ImageAnswer, imageManager } from '../../../agents/kubelet/images/image-manager.ts'
import type { CredentialProviders } from '../../../agents/kubelet/images/credential-provider/providers.ts'
import { type CredentialUse, mayUse, type PullRecords, type SecretUse, withPull } from '../../../agents/kubelet/images/pull-records.ts'
import type { Credentials } from '../../../agents/kubelet/images/registry/registry-client.ts'
import type { PodSpec, Secret } from '../../../src/api/types.ts'
import { type Rate, rateLimit } from '../../../agents/kubelet/rate-limit.ts'
import { fakeClock, settle } from '../../support/fake-clock.ts'
import { logs } from '../../support/logs.ts'
import { aPod } from '../builders.ts'

describe('what is done for an image', () => {
  test.each<[string, Parameters<typeof decideImage>[0], string]>([
    ['IfNotPresent, not here', { policy: 'IfNotPresent', present: undefined, mayUse: false }, 'pull'], ['IfNotPresent, pulled before', { policy: 'IfNotPresent', present: { pulled: true }, mayUse: true }, 'use'],
    ['IfNotPresent, pulled with credentials that the pod lacks', { policy: 'IfNotPresent', present: { pulled: true }, mayUse: false }, 'pull'],
    ['Always, pulled before', { policy: 'Always', present: { pulled: true }, mayUse: true }, 'pull'], ['Always, loaded by hand', { policy: 'Always', present: {}, mayUse: true }, 'use'],
    ['Never, not here', { policy: 'Never', present: undefined, mayUse: false }, 'refuse'], ['Never, pulled before', { policy: 'Never', present: { pulled: true }, mayUse: true }, 'use'],
    ['Never, pulled with credentials that the pod lacks', { policy: 'Never', present: { pulled: true }, mayUse: false }, 'refuse'], ['Never, loaded by hand', { policy: 'Never', present: {}, mayUse: true }, 'use'],
  ])('%s', (_, input, expected) => expect(decideImage(input)).toBe(expected))
})

const secretUse = (name: string, hash: string, uid = name): SecretUse => ({ namespace: 'default', name, uid, hash })

describe('who may use what was pulled with credentials', () => {
  const image = { id: 'sha256:a', repository: 'r.example/app' }
  const records: PullRecords = withPull({}, { ...image, secret: secretUse('one', 'h1') })
  const account = (name: string, uid = name): CredentialUse => ({ namespace: 'default', name, uid })
  const byAccount = withPull({}, { ...image, secret: undefined, account: account('robot') as never })
  test.each<[string, PullRecords, CredentialUse[], boolean]>([
    ['nobody without the service account', byAccount, [secretUse('robot', 'h1')], false], ['the same service account', byAccount, [account('robot')], true], ['one that was made anew', byAccount, [account('robot', 'other')], false], ['no service account by its name for a secret', records, [account('one')], false],
    ['nobody knows of a pull: it was loaded', {}, [], true], ['nobody without credentials', records, [], false], ['the same secret', records, [secretUse('one', 'h1')], true],
    ['the same secret with new content', records, [secretUse('one', 'h2')], true], ['another secret with the same content', records, [secretUse('two', 'h1')], true], ['another one', records, [secretUse('two', 'h2')], false],
    ['everybody, when a pull needed none', withPull(records, { ...image, secret: undefined }), [], true], ['not under another repository', withPull({}, { ...image, repository: 'r.example/other', secret: undefined }), [], false],
  ])('%s', (_, known, mine, expected) => expect(mayUse(known, image, mine)).toBe(expected))
})

const imageNamed = (id: string, pulled: boolean): ResolvedImage => ({ ref: { kind: 'root', path: `/${id}`, id }, id, entrypoint: [], command: [], env: [], workingDir: '/', user: undefined, userName: '', stopSignal: undefined, ...(pulled && { pulled }) })

interface Want { part?: string; image?: string; policy?: string; uid?: string; spec?: Partial<PodSpec>; backOff?: ImageBackOff; signal?: AbortSignal }

const setUp = ({ parallel, secrets = {}, rate, credentialProviders, neverVerify }: { parallel?: number; neverVerify?: boolean; rate?: Rate; secrets?: Record<string, Secret>; credentialProviders?: Pick<CredentialProviders, 'logins' | 'accounts'> } = {}) => {
  const clock = fakeClock()
  const here = new Map<string, ResolvedImage>()
  const [told, woken, asked]: [string[], string[], Credentials[][]] = [[], [], []]
  const turns: { image: string; finish(error?: Error): void }[] = []
  let records: PullRecords = {}
  const manager = imageManager({
    images: { resolve: (name) => Promise.resolve(here.get(name)), list: () => [] }, clock, log: logs(), wake: (uid) => { woken.push(uid) }, ...(rate && { mayPull: rateLimit(rate, clock) }), ...(parallel && { maxParallelPulls: parallel }), ...(credentialProviders && { credentialProviders }), ...(neverVerify && { neverVerify }),
    secret: (_, name) => Promise.resolve(Object.hasOwn(secrets, name) ? secrets[name] : undefined),
    registries: {
      logins: () => [], mayUse: (image, mine) => mayUse(records, image, mine), recordPull: (pull) => { records = withPull(records, pull); return Promise.resolve() },
      pull: ({ image, credentials }, signal) => new Promise((resolve, reject) => {
        asked.push([...credentials])
        signal.addEventListener('abort', () => reject(signal.reason as Error))
        turns.push({ image, finish: (error) => { if (error) { reject(error); return } here.set(image, imageNamed(image, true)); resolve({ image: { id: image, sizeBytes: 1234 }, usedCredentials: credentials.length > 0 ? 0 : undefined }) } })
      }),
    },
  })
  const ensure = ({ part = 'web', image = 'r.example/app:1', policy = 'IfNotPresent', uid = 'uid-1', spec = {}, backOff, signal = new AbortController().signal }: Want = {}): Promise<ImageAnswer> =>
    manager.ensure({ pod: aPod(spec, { uid }), part, image, pullPolicy: policy, backOff, signal, tell: ({ reason, message }) => { told.push(`${reason} ${message}`) } })
  return { clock, here, told, woken, asked, turns, manager, ensure }
}
const verdictOf = (answer: ImageAnswer) => (answer.is === 'missing' ? answer.verdict : undefined)

describe('a pull', () => {
  test('goes on beside the worker, which is woken and told', async () => {
    const { clock, ensure, manager, told, turns, woken } = setUp()
    expect(await ensure()).toEqual({ is: 'coming' })
    expect(await ensure()).toEqual({ is: 'coming' })
    await clock.advance(1_234)
    turns[0]?.finish()
    await settle()
    expect(woken).toEqual(['uid-1'])
    expect(await ensure()).toMatchObject({ is: 'here', pulled: true })
    expect(told).toEqual(['Pulling Pulling image "r.example/app:1"', 'Pulled Successfully pulled image "r.example/app:1" in 1.234s (1.234s including waiting). Image size: 1234 bytes.'])
    manager.taken('uid-1', ['web'])
    expect(await ensure()).toMatchObject({ is: 'here', pulled: false })
    expect(turns).toHaveLength(1)
  })
  test('waits for the one before it, unless more are allowed', async () => {
    for (const [parallel, expected] of [[undefined, 1], [2, 2]] as const) {
      const { clock, ensure, told, turns } = setUp(parallel === undefined ? {} : { parallel })
      await ensure({ image: 'r.example/a' })
      await ensure({ image: 'r.example/b', uid: 'uid-2' })
      await settle()
      expect(turns).toHaveLength(expected)
      if (parallel) continue
      await clock.advance(2_000)
      turns[0]?.finish()
      await settle()
      await clock.advance(500)
      turns[1]?.finish()
      await settle()
      expect(told.at(-1)).toBe('Pulled Successfully pulled image "r.example/b" in 500ms (2.5s including waiting). Image size: 1234 bytes.')
    }
  })
  test('fails, to be tried again, where more begin than the node allows', async () => {
    const { clock, ensure, turns } = setUp({ parallel: 5, rate: { perSecond: 1, burst: 1 } })
    await ensure({ image: 'r.example/a' })
    await ensure({ image: 'r.example/b', uid: 'uid-2' })
    await settle()
    expect(turns.map(({ image }) => image)).toEqual(['r.example/a'])
    expect(verdictOf(await ensure({ image: 'r.example/b', uid: 'uid-2' }))).toMatchObject({ reason: 'ErrImagePull', message: expect.stringContaining('pull QPS exceeded') as string })
    await clock.advance(1_000)
    await ensure({ image: 'r.example/b', uid: 'uid-2' })
    await settle()
    expect(turns.map(({ image }) => image)).toEqual(['r.example/a', 'r.example/b'])
  })
  test('happens each time where the policy is Always', async () => {
    const { ensure, manager, turns } = setUp()
    for (let time = 1; time <= 2; time++) {
      expect(await ensure({ policy: 'Always' })).toEqual({ is: 'coming' })
      turns.at(-1)?.finish()
      await settle()
      for (let look = 0; look < 2; look++) expect(await ensure({ policy: 'Always' })).toMatchObject({ is: 'here', pulled: true })
      manager.taken('uid-1', ['web'])
      expect(turns).toHaveLength(time)
    }
  })
  test('does not happen for an image of the node\'s own, whatever the policy', async () => {
    const { here, ensure, turns } = setUp()
    here.set('r.example/app:1', imageNamed('a', false))
    for (const policy of ['Always', 'IfNotPresent', 'Never']) expect(await ensure({ policy })).toMatchObject({ is: 'here', pulled: false })
    expect(turns).toEqual([])
  })
  test('that fails is told, and tried again after a back-off', async () => {
    const { clock, ensure, turns } = setUp()
    await ensure()
    turns[0]?.finish(new Error('no route'))
    await settle()
    const failed = verdictOf(await ensure())
    expect(failed).toMatchObject({ reason: 'ErrImagePull', message: 'no route', backOff: { delayMilliseconds: 10_000, why: 'no route' }, events: [{ reason: 'Failed', message: 'Failed to pull image "r.example/app:1": no route' }, { reason: 'Failed', message: 'Error: ErrImagePull' }] })
    const backOff = failed?.backOff as ImageBackOff
    expect(verdictOf(await ensure({ backOff }))).toMatchObject({ reason: 'ImagePullBackOff', message: 'Back-off pulling image "r.example/app:1": ErrImagePull: no route', events: [{ type: 'Normal', reason: 'BackOff', message: 'Back-off pulling image "r.example/app:1"' }, { reason: 'Failed', message: 'Error: ImagePullBackOff' }] })
    await clock.advance(10_000)
    expect(await ensure({ backOff })).toEqual({ is: 'coming' })
  })
  test('ends with its pod', async () => {
    const { ensure, turns, woken } = setUp()
    const ending = new AbortController()
    await ensure({ signal: ending.signal })
    ending.abort(new Error('gone'))
    await settle()
    expect(woken).toEqual([])
    expect(await ensure()).toEqual({ is: 'coming' })
    expect(turns).toHaveLength(2)
  })
})

test.each<[string, Want, string, string]>([
  ['no name', { image: 'UPPER case' }, 'InvalidImageName', 'Failed to apply default image tag "UPPER case": couldn\'t parse image name "UPPER case": invalid reference format'],
  ['never to be pulled', { policy: 'Never' }, 'ErrImageNeverPull', 'Container image "r.example/app:1" is not present with pull policy of Never'],
])('%s is not looked for', async (_, want, reason, message) => {
  const { ensure, turns } = setUp()
  expect(verdictOf(await ensure(want))).toMatchObject({ reason, message })
  expect(turns).toEqual([])
})

describe('secrets', () => {
  const secret = (name: string, password: string): Secret => ({ metadata: { name, namespace: 'default', uid: name }, type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths: { 'r.example': { username: 'me', password } } })).toString('base64') } }) as never
  const spec = (...names: string[]): Partial<PodSpec> => ({ imagePullSecrets: names.map((name) => ({ name })) })

  test('are tried; one that is not there is told of, once', async () => {
    const { ensure, asked, told } = setUp({ secrets: { one: secret('one', 'x') } })
    for (let time = 0; time < 2; time++) await ensure({ spec: spec('one', 'none', 'nil') })
    await settle()
    expect(asked).toEqual([[{ username: 'me', password: 'x' }]])
    expect(told[0]).toBe('FailedToRetrieveImagePullSecret Unable to retrieve some image pull secrets (none, nil); attempting to pull the image may not succeed.')
    expect(told.filter((line) => line.startsWith('FailedTo'))).toHaveLength(1)
  })
  test('decide who may use the image afterwards', async () => {
    const { ensure, turns } = setUp({ secrets: { one: secret('one', 'x'), two: secret('two', 'y') } })
    await ensure({ spec: spec('one') })
    await settle()
    turns[0]?.finish()
    await settle()
    expect(await ensure({ spec: spec('one') })).toMatchObject({ is: 'here' })
    expect(await ensure({ spec: spec('one'), uid: 'uid-2' })).toMatchObject({ is: 'here' })
    expect(verdictOf(await ensure({ policy: 'Never', uid: 'uid-3' }))).toMatchObject({ reason: 'ErrImageNeverPull' })
    expect(await ensure({ spec: spec('two'), uid: 'uid-4' })).toEqual({ is: 'coming' })
  })
  test('come before what programs know; whoever has the service account of a pull may use the image', async () => {
    const accountOf = (name = '') => ({ namespace: 'default', name, uid: `uid-of-${name}` })
    const asked: string[] = []
    const credentialProviders: Pick<CredentialProviders, 'logins' | 'accounts'> = {
      logins: ({ spec: { serviceAccountName } }, repository) => { asked.push(repository); return Promise.resolve([{ location: 'r.example', credentials: { username: 'robot', password: 'p' }, account: accountOf(serviceAccountName) }, { location: 'other.example', credentials: { username: 'x', password: 'y' }, account: undefined }]) },
      accounts: ({ spec: { serviceAccountName } }) => Promise.resolve([accountOf(serviceAccountName)]),
    }
    const { ensure, asked: tried, turns } = setUp({ secrets: { one: secret('one', 'x') }, credentialProviders })
    await ensure({ spec: { serviceAccountName: 'robot', ...spec('one') } })
    await settle()
    expect(tried).toEqual([[{ username: 'me', password: 'x' }, { username: 'robot', password: 'p' }]])
    turns[0]?.finish(new Error('401'))
    await settle()
    await ensure({ spec: { serviceAccountName: 'robot' }, uid: 'uid-2' })
    await settle()
    turns[1]?.finish()
    await settle()
    expect(asked).toEqual(['r.example/app', 'r.example/app'])
    expect(await ensure({ spec: { serviceAccountName: 'robot' }, uid: 'uid-3' })).toMatchObject({ is: 'here' })
    expect(await ensure({ spec: { serviceAccountName: 'other' }, uid: 'uid-4' })).toEqual({ is: 'coming' })
  })
  test('decide nothing where nobody verifies them', async () => {
    const { ensure, turns } = setUp({ secrets: { one: secret('one', 'x') }, neverVerify: true })
    await ensure({ spec: spec('one') })
    await settle()
    turns[0]?.finish()
    await settle()
    expect(await ensure({ uid: 'uid-2' })).toMatchObject({ is: 'here' })
  })
  test('that hold no configuration are a failed pull that says so', async () => {
    const broken = { ...secret('one', 'x'), data: { '.dockerconfigjson': Buffer.from('{').toString('base64') } }
    const { ensure } = setUp({ secrets: { one: broken } })
    expect(verdictOf(await ensure({ spec: spec('one') }))).toMatchObject({ reason: 'ErrImagePull', message: expect.stringMatching(/^secret default\/one is no JSON/) as unknown })
  })
})
