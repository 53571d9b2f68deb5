/** A kubelet whose images come from a registry: what a pod shows of it, and what becomes of spares. */
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseCredentialProviders } from '../../agents/kubelet/images/credential-provider/configuration.ts'
import { loadedImages } from '../../agents/kubelet/images/loaded-images.ts'
import { registries as registriesAt } from '../../agents/kubelet/images/registries.ts'
import { pullImage } from '../../agents/kubelet/images/registry/pull.ts'
import { readRegistries } from '../../agents/kubelet/images/registry/registry-config.ts'
import { systemClock } from '../../src/api/clock.ts'
import { systemRandom } from '../../src/api/random.ts'
import { tokenSubresource } from '../../src/apiserver/authentication/reviews.ts'
import { tokenIssuer } from '../../src/apiserver/authentication/token-issuer.ts'
import { newKey } from '../../src/client/pki.ts'
import { startRegistry } from '../support/registry.ts'
import { Events, Pods, ServiceAccounts } from '../../src/api/kinds.ts'
import type { Images, ResolvedImage } from '../../agents/kubelet/image.ts'
import type { Registries } from '../../agents/kubelet/images/registries.ts'
import type { ContainerStateWaiting } from '../../src/api/types.ts'
import { isReady, testNode, type TestNode } from './support.ts'

const image = (id: string): ResolvedImage => ({ ref: { kind: 'root', path: `/roots/${id}`, id }, id: `r.example/app@${id}`, name: 'r.example/app:1', entrypoint: ['/run'], command: [], env: [], workingDir: '/', user: undefined, userName: '', stopSignal: undefined, pulled: true })

/** A registry that has `version`, or is silent, or refuses; and the store that it fills. */
const fakeRegistry = () => {
  const store = new Map<string, ResolvedImage>()
  const state = { version: 'one', why: undefined as string | undefined, silent: false, pulls: 0 }
  const images: Images = { resolve: (name) => Promise.resolve(store.get(name)), list: () => [] }
  const registries: Registries = {
    logins: () => [], mayUse: () => true, recordPull: () => Promise.resolve(),
    async pull({ image: name }, signal) {
      state.pulls++
      if (state.silent) await new Promise((_, reject) => { signal.addEventListener('abort', () => reject(signal.reason as Error)) })
      if (state.why !== undefined) throw new Error(state.why)
      store.set(name, image(state.version))
      return { image: { id: state.version, sizeBytes: 7 }, usedCredentials: undefined }
    },
  }
  return { state, images, registries }
}

const container = (policy: string) => [{ name: 'web', image: 'r.example/app:1', imagePullPolicy: policy as 'Always' }]
const waitingOf = async (node: TestNode): Promise<ContainerStateWaiting | undefined> => (await node.pod('web-1'))?.status.containerStatuses?.[0]?.state?.waiting

describe('a pod', () => {
  test('runs with what was pulled, and says so', async () => {
    await using node = await testNode()
    const { images, registries } = fakeRegistry()
    node.start({ images, registries })
    await node.createPod({ containers: container('IfNotPresent') })
    const pod = await node.untilPod('web-1', 'is ready', isReady)
    expect(pod.status.containerStatuses?.[0]).toMatchObject({ image: 'r.example/app:1', imageID: 'r.example/app@one' })
    await node.until('the events are there', async () => (await node.events()).length >= 4)
    expect(await node.events()).toEqual(['Pulling Pulling image "r.example/app:1"', expect.stringMatching(/^Pulled Successfully pulled image "r\.example\/app:1" in \d\S*s \(\S+s including waiting\)\. Image size: 7 bytes\.$/), 'Created Container created', 'Started Container started'])
  })
  test('waits in creation while the registry is silent; its deletion ends the pull', async () => {
    await using node = await testNode()
    const { state, images, registries } = fakeRegistry()
    state.silent = true
    node.start({ images, registries })
    await node.createPod({ containers: container('IfNotPresent'), terminationGracePeriodSeconds: 1 })
    await node.until('it is asked for', () => state.pulls === 1)
    await node.until('the pod says what it waits for', async () => (await waitingOf(node))?.reason === 'ContainerCreating')
    await node.client.delete(Pods, { name: 'web-1', namespace: 'default' })
    await node.until('it is gone', async () => (await node.pod('web-1')) === undefined)
  })
  test('backs off when the registry refuses, and comes up when it does not any more', async () => {
    await using node = await testNode()
    const { state, images, registries } = fakeRegistry()
    state.why = 'not found'
    node.start({ images, registries })
    await node.createPod({ containers: container('Always') })
    await node.until('the pull has failed', async () => (await waitingOf(node))?.reason === 'ErrImagePull')
    await node.clock.advance(1_000)
    await node.until('it backs off', async () => (await waitingOf(node))?.message === 'Back-off pulling image "r.example/app:1": ErrImagePull: not found')
    state.why = undefined
    await node.clock.advance(10_000)
    await node.untilPod('web-1', 'is ready', isReady)
    expect(state.pulls).toBe(2)
  })
  test('whose policy is Always restarts with what the registry has by then', async () => {
    await using node = await testNode()
    const { state, images, registries } = fakeRegistry()
    node.start({ images, registries })
    const { metadata: { uid } } = await node.createPod({ containers: container('Always') })
    await node.untilPod('web-1', 'is ready', isReady)
    await node.clock.advance(2_000)
    state.version = 'two'
    node.runtime.exit(uid, 'web', 1)
    const pod = await node.untilPod('web-1', 'runs anew', ({ status }) => status.containerStatuses?.[0]?.restartCount === 1 && status.containerStatuses[0].state?.running !== undefined)
    expect(pod.status.containerStatuses?.[0]?.imageID).toBe('r.example/app@two')
    expect(state.pulls).toBe(2)
  })
  test('gets the content of another image as a volume, pulled before it starts', async () => {
    await using node = await testNode()
    const { state, images, registries } = fakeRegistry()
    node.start({ images, registries })
    const volumeMounts = [{ name: 'data', mountPath: '/data' }]
    const { metadata: { uid } } = await node.createPod({ containers: [{ ...container('Always')[0], name: 'web', volumeMounts }], volumes: [{ name: 'data', image: { reference: 'r.example/data:1' } }, { name: 'unused', image: { reference: 'r.example/unused:1' } }] })
    const pod = await node.untilPod('web-1', 'is ready', isReady)
    expect(pod.spec.volumes?.[0]?.image?.pullPolicy).toBe('IfNotPresent')
    expect(node.runtime.specOf(uid, 'web', 0)?.mounts).toContainEqual(expect.objectContaining({ hostPath: '/roots/one', containerPath: '/data', readOnly: true, noExec: true, imageId: 'one' }))
    expect(state.pulls).toBe(2)
  })
  test('whose volume names what is no image of files says so', async () => {
    await using node = await testNode()
    node.start()
    await node.createPod({ containers: [{ name: 'web', image: 'host', command: ['x'], volumeMounts: [{ name: 'data', mountPath: '/data' }] }], volumes: [{ name: 'data', image: { reference: 'host' } }] })
    await node.until('it is told', async () => (await waitingOf(node))?.reason === 'CreateContainerConfigError')
    expect((await waitingOf(node))?.message).toBe('volume "data": image "host" is the machine\'s own file system here and no image of files: use hostPath')
  })
})

test('a node whose disk its images fill says so', async () => {
  await using node = await testNode()
  node.start({ imageStore: { disk: () => ({ capacityBytes: 1000, availableBytes: 50 }), collectable: () => [], inUse: () => new Set(), remove: () => Promise.resolve(true) } })
  const message = 'Failed to garbage collect required amount of images. Attempted to free 150 bytes, but only found 0 bytes eligible to free.'
  await node.until('the event is there', async () => (await node.client.list(Events)).items.some((event) => event.reason === 'FreeDiskSpaceFailed' && event.message === message && event.involvedObject.kind === 'Node'))
})

const isRoot = process.getuid?.() === 0
if (!isRoot) console.log('SKIPPED image-pull.test.ts, in part: images are kept with their owners, which needs root')

describe.runIf(isRoot)('a program that knows credentials', () => {
  /** What it is handed is the password's beginning: nobody without the pod's token has it. */
  const program = `#!/bin/sh
request=$(cat)
case $request in *'"serviceAccountToken":"'*'"serviceAccountAnnotations":{"team":"a"}'*) password=right ;; *) password=wrong ;; esac
echo "{\\"kind\\":\\"CredentialProviderResponse\\",\\"apiVersion\\":\\"credentialprovider.kubelet.k8s.io/v1\\",\\"cacheKeyType\\":\\"Registry\\",\\"auth\\":{\\"$REGISTRY\\":{\\"username\\":\\"me\\",\\"password\\":\\"$password\\"}}}"
`
  test('is asked with a token of the pod, and the pod runs', async () => {
    await using registry = await startRegistry({ auth: { kind: 'token', username: 'me', password: 'right' } })
    registry.push('app:1', { layers: [[{ path: 'etc/name', data: 'app' }]], config: { Entrypoint: ['/run'] } })
    const key = await newKey()
    await using node = await testNode({ api: (clock) => ({ subresources: [tokenSubresource(tokenIssuer({ key, issuer: 'https://issuer', clock, random: systemRandom }), clock)] }) })
    const [directory, plugins] = [path.join(node.directory, 'images'), path.join(node.directory, 'plugins')]
    for (const each of [directory, plugins]) await mkdir(each)
    await writeFile(path.join(plugins, 'robots'), program)
    await chmod(path.join(plugins, 'robots'), 0o755)
    const providers = parseCredentialProviders([{ file: 'providers.yaml', text: `apiVersion: kubelet.config.k8s.io/v1
kind: CredentialProviderConfig
providers:
- name: robots
  apiVersion: credentialprovider.kubelet.k8s.io/v1
  matchImages: ["${registry.host}"]
  defaultCacheDuration: 1h
  env: [{name: REGISTRY, value: "${registry.host}"}]
  tokenAttributes: {serviceAccountTokenAudience: registry, requireServiceAccount: true, cacheType: ServiceAccount, requiredServiceAccountAnnotationKeys: [team]}
` }])
    for (const [name, annotations] of [['robot', { team: 'a' }], ['stranger', {}]] as const) await node.client.create(ServiceAccounts, { metadata: { name, namespace: 'default', annotations } } as never)
    node.start({
      images: loadedImages(directory), credentialProviders: { providers, directory: plugins },
      registries: registriesAt({ directory, owner: 'node-1', homeDirectory: undefined, pull: (request, signal) => pullImage(request, { config: readRegistries(directory, {}), clock: systemClock }, signal) }),
    })
    await node.createPod({ serviceAccountName: 'robot', containers: [{ name: 'web', image: `${registry.host}/app:1` }] })
    await node.untilPod('web-1', 'is ready', isReady)
    await node.createPod({ serviceAccountName: 'stranger', containers: [{ name: 'web', image: `${registry.host}/app:1`, imagePullPolicy: 'IfNotPresent' }] }, { name: 'web-2' })
    await node.untilPod('web-2', 'gets no image', ({ status }) => status.containerStatuses?.[0]?.state?.waiting?.message?.includes('pull access denied') ?? false)
  })
})
