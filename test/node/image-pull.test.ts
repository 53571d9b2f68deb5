/** A pod whose image comes from a registry: one of our own, which only the cluster's node can reach. */
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Events, Pods, Secrets } from '../../src/api/kinds.ts'
import type { PodSpec } from '../../src/api/types.ts'
import { bridgeAddress, nodeNetworkOf } from '../../src/cluster/node-network.ts'
import { isRoot, startTestCluster, type TestCluster } from '../support/cluster.ts'
import { isReady, type LiveClient, liveClient } from '../support/live-client.ts'
import { startRegistry, type TestRegistry } from '../support/registry.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

const busybox = [path.resolve(import.meta.dirname, '../../.cache/debian/root/bin/busybox'), '/bin/busybox'].find((file) => existsSync(file))
sayWhatIsSkipped('image-pull.test.ts')
if (!busybox) console.log('SKIPPED image-pull.test.ts: no static busybox; set-up for tests fetches one')

describe.runIf(isRoot && busybox !== undefined)('a registry', () => {
  let cluster: TestCluster
  let live: LiveClient
  let registry: TestRegistry
  const create = (name: string, spec: Partial<PodSpec>, image = `${registry.host}/team/tiny:1`) =>
    live.client.create(Pods, { metadata: { name, namespace: 'default' }, spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image }], ...spec } } as never)
  const eventsOf = async (name: string): Promise<string[]> => (await live.client.list(Events, { fieldSelector: `involvedObject.name=${name}` })).items.map(({ reason, message }) => `${reason ?? ''}: ${message ?? ''}`)

  beforeAll(async () => {
    cluster = await startTestCluster({ single: true })
    live = liveClient(cluster)
    registry = await startRegistry({ auth: { kind: 'token', username: 'me', password: 'secret' }, address: bridgeAddress(nodeNetworkOf(cluster.home.clusterId)) })
    await mkdir(cluster.home.images, { recursive: true, mode: 0o711 })
    await writeFile(path.join(cluster.home.images, 'registries.json'), JSON.stringify({ registries: { [registry.host]: { plainHTTP: true } } }))
    registry.push('team/tiny:1', { layers: [[{ path: 'bin/sh', data: readFileSync(busybox ?? ''), mode: 0o755 }], [{ path: 'etc/mark', data: 'pulled' }]], config: { Entrypoint: ['/bin/sh', '-c'], Cmd: ['cat /etc/mark; exec sleep 1000'] } })
    await live.client.create(Secrets, { metadata: { name: 'login', namespace: 'default' }, type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths: { [registry.host]: { username: 'me', password: 'secret' } } })).toString('base64') } } as never)
  })
  afterAll(async () => {
    live?.[Symbol.dispose]()
    await registry?.[Symbol.asyncDispose]()
    await cluster?.[Symbol.asyncDispose]()
  })

  test('gives an image to who has its secret, and the pod runs', async () => {
    await create('mine', { imagePullSecrets: [{ name: 'login' }] })
    const pod = await live.untilPod('mine', 'is ready', isReady)
    await cluster.until('the log has come', async () => (await cluster.kubectl(['logs', 'mine'])).trim() === 'pulled')
    expect(pod.status.containerStatuses?.[0]).toMatchObject({ image: `${registry.host}/team/tiny:1`, imageID: expect.stringMatching(/\/team\/tiny@sha256:[0-9a-f]{64}$/) as unknown })
    await cluster.until('the pull is told', async () => (await eventsOf('mine')).some((line) => /^Pulled: Successfully pulled image ".*\/team\/tiny:1" in \S+s \(\S+s including waiting\)\. Image size: \d+ bytes\.$/.test(line)))
  })
  test('gives an image as a volume, read-only, from which nothing is executed', async () => {
    const script = '/bin/sh -c "echo x > /data/etc/new" 2>&1; /data/bin/sh -c true 2>&1; cat /data/etc/mark /part/mark; exec sleep 1000'
    const volumeMounts = [{ name: 'data', mountPath: '/data' }, { name: 'data', mountPath: '/part', subPath: 'etc' }]
    await create('volume', { imagePullSecrets: [{ name: 'login' }], volumes: [{ name: 'data', image: { reference: `${registry.host}/team/tiny:1` } }],
      containers: [{ name: 'main', image: 'host', command: ['/bin/bash', '-c', script], volumeMounts }] })
    await live.untilPod('volume', 'is ready', isReady)
    const log = async (): Promise<string> => cluster.kubectl(['logs', 'volume'])
    await cluster.until('the log has come', async () => (await log()).endsWith('pulledpulled'))
    expect(await log()).toMatch(/Read-only file system[^]*Permission denied[^]*pulledpulled$/)
  })
  test('gives it to nobody else, although it is here by now', async () => {
    await create('other', { imagePullSecrets: [{ name: 'none' }] })
    const pod = await live.untilPod('other', 'waits', ({ status }) => /ErrImagePull|ImagePullBackOff/.test(status.containerStatuses?.[0]?.state?.waiting?.reason ?? ''))
    expect(pod.status.containerStatuses?.[0]?.state?.waiting?.message).toMatch(/pull access denied/)
    await cluster.until('the missing secret is told', async () => (await eventsOf('other')).some((line) => line.startsWith('FailedToRetrieveImagePullSecret: Unable to retrieve some image pull secrets (none)')))
  })
})
