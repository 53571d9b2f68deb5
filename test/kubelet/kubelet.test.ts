/** The whole kubelet: what it does to processes, and what it tells the API server. */
import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { ConfigMaps, Leases, Nodes, Pods, RuntimeClasses } from '../../src/api/kinds.ts'
import { ConnectionError } from '../../src/client/transport.ts'
import { isGone, isReady, stoppingInHook, testNode } from './support.ts'

describe('a pod', () => {
  test('runs, is ready, and its status says so in upstream\'s words', async () => {
    await using node = await testNode()
    node.start()
    await node.createPod({})
    const pod = await node.untilPod('web-1', 'is ready', isReady)
    expect(node.runtime.running()).toEqual(['web-1/web#0'])
    expect(pod.status).toMatchObject({
      phase: 'Running', hostIP: '192.0.2.1', podIP: '10.244.0.2', podIPs: [{ ip: '10.244.0.2' }], qosClass: 'BestEffort', startTime: '2026-01-01T00:00:00Z', observedGeneration: pod.metadata.generation,
      containerStatuses: [{ name: 'web', ready: true, started: true, restartCount: 0, image: 'host', imageID: 'host', state: { running: { startedAt: '2026-01-01T00:00:00Z' } } }],
    })
    expect(pod.status.containerStatuses?.[0]?.containerID).toMatch(/^wherry:\/\//)
    expect(pod.status.conditions?.map(({ type, status }) => `${type}=${status}`).sort()).toEqual(['ContainersReady=True', 'Initialized=True', 'PodReadyToStartContainers=True', 'PodScheduled=True', 'Ready=True'])
    await node.until('events', async () => (await node.events()).length === 3)
    expect(await node.events()).toEqual(['Pulled Container image "host" already present on machine and can be accessed by the pod', 'Created Container created', 'Started Container started'])
  })

  test('check 14: is restarted at once the first time, then after 10 s, 20 s, 40 s', async () => {
    await using node = await testNode()
    node.start()
    const { metadata: { uid } } = await node.createPod({})
    await node.until('it runs', () => node.runtime.running().includes('web-1/web#0'))
    node.runtime.exit(uid, 'web', 1)
    await node.until('the second attempt', () => node.runtime.running().includes('web-1/web#1'))
    for (const [index, seconds] of [10, 20, 40].entries()) {
      node.runtime.exit(uid, 'web', 1)
      const pod = await node.untilPod('web-1', `waits ${seconds} s`, ({ status }) => status.containerStatuses?.[0]?.state?.waiting?.message?.startsWith(`back-off ${seconds}s`) ?? false)
      expect(pod.status.phase).toBe('Running')
      expect(pod.status.containerStatuses?.[0]).toMatchObject({
        restartCount: index + 1, ready: false, lastState: { terminated: { exitCode: 1, reason: 'Error' } },
        state: { waiting: { reason: 'CrashLoopBackOff', message: `back-off ${seconds}s restarting failed container=web pod=web-1_default(${uid})` } },
      })
      await node.clock.advance(seconds * 1000 - 1)
      expect(node.runtime.running()).toEqual([])
      await node.clock.advance(1)
      await node.until(`attempt ${index + 2}`, () => node.runtime.running().includes(`web-1/web#${index + 2}`))
    }
    const pod = await node.untilPod('web-1', 'is ready', isReady)
    expect(pod.status.containerStatuses?.[0]?.restartCount).toBe(4)
    await node.until('BackOff event', async () => (await node.events()).some((event) => event.startsWith(`BackOff Back-off restarting failed container web in pod web-1_default(${uid})`)))
  })

  test('that has run for long is restarted at once again', async () => {
    await using node = await testNode()
    node.start()
    const { metadata: { uid } } = await node.createPod({})
    for (const attempt of [0, 1, 2]) {
      await node.until(`attempt ${attempt}`, () => node.runtime.running().includes(`web-1/web#${attempt}`))
      await node.clock.advance(601_000)
      node.runtime.exit(uid, 'web', 1)
    }
    await node.until('attempt 3', () => node.runtime.running().includes('web-1/web#3'))
  })

  test('the next attempt of what runs is armed, and used', async () => {
    await using node = await testNode()
    node.start()
    const { metadata: { uid } } = await node.createPod({})
    await node.until('it runs', () => node.runtime.running().length === 1)
    await node.clock.advance(1_000)
    await node.until('a spare', () => node.runtime.log.includes('create web#1'))
    node.runtime.exit(uid, 'web', 137, { signal: 9 })
    await node.until('it runs again', () => node.runtime.running().includes('web-1/web#1'))
    expect(node.runtime.log.filter((line) => line === 'create web#1')).toHaveLength(1)
  })

  test.each([
    ['Never', 0, 'Succeeded', 'Completed'], ['Never', 3, 'Failed', 'Error'], ['OnFailure', 0, 'Succeeded', 'Completed'],
  ])('with restartPolicy %s that exits with %d ends %s', async (restartPolicy, exitsWith, phase, reason) => {
    await using node = await testNode()
    node.runtime.program = () => ({ exitsWith })
    node.start()
    await node.createPod({ restartPolicy })
    const pod = await node.untilPod('web-1', `is ${phase}`, ({ status }) => status.phase === phase)
    expect(pod.status.containerStatuses?.[0]).toMatchObject({ restartCount: 0, ready: false, state: { terminated: { exitCode: exitsWith, reason } } })
    expect(pod.status.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({ status: 'False', reason: phase === 'Succeeded' ? 'PodCompleted' : 'PodFailed' })
    expect(pod.status.podIP).toBe('10.244.0.2')
    await node.until('its sandbox is stopped', () => node.runtime.log.includes('stop sandbox web-1#0'))
  })

  test('out of memory is said', async () => {
    await using node = await testNode()
    node.start()
    const { metadata: { uid } } = await node.createPod({ restartPolicy: 'Never' })
    await node.until('it runs', () => node.runtime.running().length === 1)
    node.runtime.exit(uid, 'web', 137, { signal: 9, oomKilled: true })
    const pod = await node.untilPod('web-1', 'failed', ({ status }) => status.phase === 'Failed')
    expect(pod.status.containerStatuses?.[0]?.state?.terminated).toMatchObject({ reason: 'OOMKilled', exitCode: 137 })
  })

  test('past its deadline fails', async () => {
    await using node = await testNode()
    node.start()
    await node.createPod({ activeDeadlineSeconds: 30 })
    await node.untilPod('web-1', 'is ready', isReady)
    await node.clock.advance(29_000)
    expect(node.runtime.running()).toHaveLength(1)
    await node.clock.advance(1_000)
    const pod = await node.untilPod('web-1', 'failed', ({ status }) => status.phase === 'Failed')
    expect(pod.status).toMatchObject({ reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' })
    expect(node.runtime.running()).toEqual([])
  })

  test('whose sandbox is lost gets another one', async () => {
    await using node = await testNode()
    node.start()
    const { metadata: { uid } } = await node.createPod({})
    await node.untilPod('web-1', 'is ready', isReady)
    node.runtime.loseSandbox(uid)
    await node.until('it runs in a new sandbox', () => node.runtime.log.includes('sandbox web-1#1') && node.runtime.running().includes('web-1/web#1'))
    const pod = await node.untilPod('web-1', 'has the new address', ({ status }) => status.podIP === '10.244.0.3')
    expect(pod.status.podIPs).toEqual([{ ip: '10.244.0.3' }])
    await node.until('event', async () => (await node.events()).includes('SandboxChanged Pod sandbox changed, it will be killed and re-created.'))
  })

  test('with an image that is not here waits, and says what to do', async () => {
    await using node = await testNode()
    node.start()
    await node.createPod({ containers: [{ name: 'web', image: 'nginx:1.27' }] })
    const pod = await node.untilPod('web-1', 'waits', ({ status }) => status.containerStatuses?.[0]?.state?.waiting?.reason === 'ErrImagePull')
    expect(pod.status.phase).toBe('Pending')
    expect(pod.status.containerStatuses?.[0]?.state?.waiting?.message).toContain('image: host')
    await node.clock.advance(2_000)
    await node.untilPod('web-1', 'backs off', ({ status }) => status.containerStatuses?.[0]?.state?.waiting?.message?.startsWith('Back-off pulling image "nginx:1.27"') ?? false)
  })
})

describe('init containers', () => {
  test('run one after the other before the containers', async () => {
    await using node = await testNode()
    node.runtime.program = ({ name }) => (name.startsWith('init') ? { exitsWith: 0 } : {})
    node.start()
    await node.createPod({ initContainers: [{ name: 'init1', image: 'host', command: ['a'] }, { name: 'init2', image: 'host', command: ['b'] }] })
    const pod = await node.untilPod('web-1', 'is ready', isReady)
    expect(node.runtime.log.filter((line) => line.startsWith('start'))).toEqual(['start init1#0', 'start init2#0', 'start web#0'])
    expect(pod.status.initContainerStatuses).toMatchObject([{ name: 'init1', ready: true, state: { terminated: { reason: 'Completed' } } }, { name: 'init2', ready: true }])
  })

  test('while one runs the containers wait for it', async () => {
    await using node = await testNode()
    node.start()
    await node.createPod({ initContainers: [{ name: 'init1', image: 'host', command: ['a'] }] })
    const pod = await node.untilPod('web-1', 'initializes', ({ status }) => Boolean(status.initContainerStatuses?.[0]?.state?.running))
    expect(pod.status).toMatchObject({ phase: 'Pending', containerStatuses: [{ state: { waiting: { reason: 'PodInitializing' } } }] })
    expect(pod.status.conditions?.find(({ type }) => type === 'Initialized')).toMatchObject({ status: 'False', reason: 'ContainersNotInitialized', message: 'containers with incomplete status: [init1]' })
  })

  test('one that fails ends a pod that never restarts', async () => {
    await using node = await testNode()
    node.runtime.program = () => ({ exitsWith: 1 })
    node.start()
    await node.createPod({ restartPolicy: 'Never', initContainers: [{ name: 'init1', image: 'host', command: ['a'] }] })
    await node.untilPod('web-1', 'failed', ({ status }) => status.phase === 'Failed')
    expect(node.runtime.log).not.toContain('start web#0')
  })

  test('a sidecar starts first, is restarted, and stops last', async () => {
    await using node = await testNode()
    node.start()
    const { metadata: { uid } } = await node.createPod({ initContainers: [{ name: 'proxy', image: 'host', command: ['a'], restartPolicy: 'Always' }] })
    await node.untilPod('web-1', 'is ready', isReady)
    expect(node.runtime.log.filter((line) => line.startsWith('start'))).toEqual(['start proxy#0', 'start web#0'])
    node.runtime.exit(uid, 'proxy', 1)
    await node.until('it is back', () => node.runtime.running().includes('web-1/proxy#1'))
    await node.client.delete(Pods, { name: 'web-1', namespace: 'default' })
    await node.until('it is gone', () => isGone(node, 'web-1'))
    expect(node.runtime.log.filter((line) => line.startsWith('stop '))).toEqual(['stop web#0 30s', 'stop proxy#1 30s', 'stop sandbox web-1#0'])
  })
})

describe('deletion', () => {
  test('stops with grace, then deletes the object', async () => {
    await using node = await testNode()
    node.runtime.program = () => ({ ignoresStop: true })
    node.start()
    await node.createPod({ terminationGracePeriodSeconds: 20 })
    await node.untilPod('web-1', 'is ready', isReady)
    await node.client.delete(Pods, { name: 'web-1', namespace: 'default' })
    await node.until('it is asked to stop', () => node.runtime.log.includes('stop web#0 20s'))
    await node.clock.advance(19_000)
    expect((await node.pod('web-1'))?.metadata.deletionTimestamp).toBeDefined()
    await node.clock.advance(1_000)
    await node.until('it is gone', () => isGone(node, 'web-1'))
    expect(await node.runtime.listSandboxes()).toEqual([])
    await node.until('event', async () => (await node.events()).includes('Killing Stopping container web'))
  })

  test('a second, shorter one cuts the first short', async () => {
    await using node = await testNode()
    node.runtime.program = () => ({ ignoresStop: true })
    node.start()
    await node.createPod({})
    await node.untilPod('web-1', 'is ready', isReady)
    await node.client.delete(Pods, { name: 'web-1', namespace: 'default' })
    await node.until('it is asked to stop', () => node.runtime.log.includes('stop web#0 30s'))
    await node.clock.advance(5_000)
    await node.client.delete(Pods, { name: 'web-1', namespace: 'default' }, { gracePeriodSeconds: 3 })
    await node.until('it is asked again', () => node.runtime.log.some((line) => line === 'stop web#0 3s'))
    await node.clock.advance(3_000)
    await node.until('it is gone', () => isGone(node, 'web-1'))
  })

  test('the preStop hook runs first, within the grace', async () => {
    await using node = await testNode()
    await stoppingInHook(node)
    expect(node.runtime.log.some((line) => line.startsWith('stop web'))).toBe(false)
    await node.clock.advance(4_000)
    await node.until('it is gone', () => isGone(node, 'web-1'))
    expect(node.runtime.log).toContain('stop web#0 26s')
  })

  test('of a pod that is starting gives up the start', async () => {
    await using node = await testNode()
    node.runtime.execHandler = (_, { signal }) => new Promise((_resolve, reject) => { signal.addEventListener('abort', () => reject(signal.reason as Error)) })
    node.start()
    await node.createPod({ containers: [{ name: 'web', image: 'host', command: ['serve'], lifecycle: { postStart: { exec: { command: ['warm'] } } } }] })
    await node.until('it runs', () => node.runtime.running().length === 1)
    await node.client.delete(Pods, { name: 'web-1', namespace: 'default' })
    await node.until('it is gone', () => isGone(node, 'web-1'))
  })
})

describe('adoption', () => {
  test('a new kubelet restarts nothing that runs, and keeps counts', async () => {
    await using node = await testNode()
    node.start()
    const { metadata: { uid } } = await node.createPod({})
    await node.until('it runs', () => node.runtime.running().length === 1)
    node.runtime.exit(uid, 'web', 1)
    const before = await node.untilPod('web-1', 'is ready again', (pod) => isReady(pod) && pod.status.containerStatuses?.[0]?.restartCount === 1)
    for (let round = 0; round < 5; round++) {
      await node.kill()
      node.start()
      await node.clock.advance(100)
    }
    await node.until('it is adopted', async () => (await node.get(Nodes, 'node-1')) !== undefined)
    await node.clock.advance(1_000)
    expect(node.runtime.running()).toEqual(['web-1/web#1'])
    expect(node.runtime.log.filter((line) => line.startsWith('start'))).toEqual(['start web#0', 'start web#1'])
    const after = await node.pod('web-1')
    expect(after?.status).toEqual(before.status)
    node.runtime.exit(uid, 'web', 1)
    await node.untilPod('web-1', 'remembers its back-off', ({ status }) => status.containerStatuses?.[0]?.state?.waiting?.message?.startsWith('back-off 10s') ?? false)
  })

  test('what ended meanwhile is restarted', async () => {
    await using node = await testNode()
    node.start()
    const { metadata: { uid } } = await node.createPod({})
    await node.untilPod('web-1', 'is ready', isReady)
    await node.kill()
    node.runtime.exit(uid, 'web', 7)
    node.start()
    await node.until('it runs again', () => node.runtime.running().includes('web-1/web#1'))
    const pod = await node.untilPod('web-1', 'says so', ({ status }) => status.containerStatuses?.[0]?.restartCount === 1)
    expect(pod.status.containerStatuses?.[0]?.lastState?.terminated?.exitCode).toBe(7)
  })

  test('a pod that was deleted meanwhile is stopped and forgotten', async () => {
    await using node = await testNode()
    node.start()
    await node.createPod({})
    await node.untilPod('web-1', 'is ready', isReady)
    await node.kill()
    await node.client.delete(Pods, { name: 'web-1', namespace: 'default' }, { gracePeriodSeconds: 0 })
    node.start()
    await node.until('nothing runs', async () => node.runtime.running().length === 0 && (await node.runtime.listSandboxes()).length === 0)
  })

  test('volumes of a pod of which nothing else is known, made by a kubelet that died over it, are taken back', async () => {
    await using node = await testNode()
    const [gone, here] = [path.join(node.directory, 'memory/pods/0a0a0a0a-1111-2222-3333-444444444444'), await node.createPod({ volumes: [{ name: 'v', emptyDir: {} }], containers: [{ name: 'web', image: 'host', command: ['web'], volumeMounts: [{ name: 'v', mountPath: '/v' }] }] })]
    await mkdir(path.join(gone, 'volumes/kubernetes.io~empty-dir/v'), { recursive: true })
    node.start()
    await node.until('they are gone', () => !existsSync(gone))
    await node.untilPod('web-1', 'runs', isReady)
    expect(existsSync(path.join(node.directory, 'data/pods', here.metadata.uid))).toBe(true)
  })

  test('after a restart of the machine pods run again, and their counts go on', async () => {
    await using node = await testNode()
    node.start()
    const { metadata: { uid } } = await node.createPod({})
    await node.until('it runs', () => node.runtime.running().length === 1)
    node.runtime.exit(uid, 'web', 1)
    await node.untilPod('web-1', 'is ready again', (pod) => isReady(pod) && pod.status.containerStatuses?.[0]?.restartCount === 1)
    await node.kill()
    node.runtime.reboot()
    node.start()
    await node.until('it runs', () => node.runtime.running().includes('web-1/web#2'))
    const pod = await node.untilPod('web-1', 'says so', ({ status }) => status.containerStatuses?.[0]?.restartCount === 2)
    expect(pod.status.containerStatuses?.[0]?.lastState?.terminated).toMatchObject({ reason: 'ContainerStatusUnknown', exitCode: 137 })
  })

  test('after a restart of the machine what had ended before is what it was', async () => {
    await using node = await testNode()
    node.start()
    const { metadata: { uid } } = await node.createPod({ restartPolicy: 'Never', initContainers: [{ name: 'first', image: 'host', command: ['true'] }] })
    for (const name of ['first', 'web']) {
      await node.until('it runs', () => node.runtime.running().includes(`web-1/${name}#0`))
      node.runtime.exit(uid, name, 0)
    }
    const before = await node.untilPod('web-1', 'has succeeded', ({ status }) => status.phase === 'Succeeded')
    await node.kill()
    node.runtime.reboot()
    node.start()
    const marked = await node.client.patch(Pods, { name: 'web-1', namespace: 'default' }, { type: 'merge', body: { metadata: { labels: { look: 'again' } } } })
    await node.createPod({}, { name: 'web-2' })
    await node.untilPod('web-2', 'is ready', isReady)
    const after = await node.untilPod('web-1', 'is as it was', ({ metadata }) => metadata.labels?.['look'] === 'again')
    expect(marked.metadata.uid).toBe(after.metadata.uid)
    for (const list of ['initContainerStatuses', 'containerStatuses'] as const) {
      expect(after.status[list]?.[0]).toMatchObject({ restartCount: 0, state: { terminated: { exitCode: 0, reason: 'Completed' } } })
      expect(after.status[list]?.[0]?.state).toEqual(before.status[list]?.[0]?.state)
    }
    expect(after.status.phase).toBe('Succeeded')
    expect(node.runtime.running()).toEqual(['web-2/web#0'])
  })
})

describe('the node', () => {
  test('registers, is ready, renews its lease', async () => {
    await using node = await testNode()
    node.start({ labels: { zone: 'a' } })
    const object = await node.until('node', () => node.get(Nodes, 'node-1'))
    expect(object.metadata.labels).toMatchObject({ 'kubernetes.io/hostname': 'node-1', 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64', zone: 'a' })
    expect(object.status).toMatchObject({
      addresses: [{ type: 'InternalIP', address: '192.0.2.1' }, { type: 'Hostname', address: 'node-1' }], capacity: { cpu: '4', memory: '8Gi', pods: '110' }, allocatable: { memory: '8092Mi' },
      daemonEndpoints: { kubeletEndpoint: { Port: 10_250 } }, nodeInfo: { kubeletVersion: 'v1.36.0', operatingSystem: 'linux', architecture: 'amd64' },
    })
    expect(object.status.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({ status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' })
    const lease = await node.until('lease', () => node.get(Leases, 'node-1', 'kube-node-lease'))
    expect(lease.spec).toMatchObject({ holderIdentity: 'node-1', leaseDurationSeconds: 40 })
    const renewed = await node.until('renewed', async () => { await node.clock.advance(10_000); const now = await node.get(Leases, 'node-1', 'kube-node-lease'); return now?.spec.renewTime !== lease.spec.renewTime ? now : undefined })
    // Upstream's "NodeLease should have OwnerReferences set".
    expect(renewed.metadata.ownerReferences).toMatchObject([{ apiVersion: 'v1', kind: 'Node', name: 'node-1', uid: (await node.get(Nodes, 'node-1'))?.metadata.uid }])
  })

  test('keeps resources and conditions that others have put on it', async () => {
    await using node = await testNode()
    node.start()
    await node.until('node', () => node.get(Nodes, 'node-1'))
    await node.client.patch(Nodes, { name: 'node-1' }, { type: 'strategic', body: { status: { capacity: { 'example.com/cards': '3' }, conditions: [{ type: 'NetworkUnavailable', status: 'False' }] } } }, { subresource: 'status' })
    const object = await node.until('a heartbeat', async () => { await node.clock.advance(10_000); const now = await node.get(Nodes, 'node-1'); return now?.status.conditions?.find(({ type }) => type === 'Ready')?.lastHeartbeatTime !== '2026-01-01T00:00:00Z' ? now : undefined })
    // Upstream's setter (pkg/kubelet/nodestatus): what is in the capacity is allocatable; the conformance suite writes only the capacity.
    expect(object.status).toMatchObject({ capacity: { 'example.com/cards': '3' }, allocatable: { 'example.com/cards': '3' } })
    await node.client.patch(Nodes, { name: 'node-1' }, { type: 'merge', body: { status: { capacity: { 'example.com/cards': null } } } }, { subresource: 'status' })
    await node.until('no cards', async () => { await node.clock.advance(10_000); const now = await node.get(Nodes, 'node-1'); return now && !Object.hasOwn(now.status.allocatable ?? {}, 'example.com/cards') ? now : undefined })
    expect(object.status.conditions?.map(({ type }) => type)).toContain('NetworkUnavailable')
  })

  test('refuses a pod whose port is taken', async () => {
    await using node = await testNode()
    node.start()
    const containers = [{ name: 'web', image: 'host', command: ['serve'], ports: [{ containerPort: 80, hostPort: 21_017, protocol: 'TCP' }] }]
    await node.createPod({ containers })
    await node.untilPod('web-1', 'is ready', isReady)
    await node.createPod({ containers }, { name: 'web-2' })
    const pod = await node.untilPod('web-2', 'failed', ({ status }) => status.phase === 'Failed')
    expect(pod.status).toMatchObject({ reason: 'NodePorts', message: "Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports" })
    await node.client.delete(Pods, { name: 'web-2', namespace: 'default' })
    await node.until('it is gone', () => isGone(node, 'web-2'))
  })

  test('a phase that somebody set to Failed stays, and the pod stops', async () => {
    await using node = await testNode()
    node.start()
    await node.createPod({})
    await node.untilPod('web-1', 'is ready', isReady)
    await node.client.patch(Pods, { name: 'web-1', namespace: 'default' }, { type: 'merge', body: { status: { phase: 'Failed' } } }, { subresource: 'status' })
    await node.until('it stops', () => node.runtime.running().length === 0)
    await node.clock.advance(1_000)
    expect((await node.pod('web-1'))?.status.phase).toBe('Failed')
  })

  test('conditions of others stay, and gate readiness', async () => {
    await using node = await testNode()
    node.start()
    await node.createPod({ readinessGates: [{ conditionType: 'example.com/gate' }] })
    const pod = await node.untilPod('web-1', 'has ready containers', ({ status }) => status.conditions?.some(({ type, status: verdict }) => type === 'ContainersReady' && verdict === 'True') ?? false)
    expect(pod.status.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({ status: 'False', reason: 'ReadinessGatesNotReady', message: 'corresponding condition of pod readiness gate "example.com/gate" does not exist.' })
    await node.client.patch(Pods, { name: 'web-1', namespace: 'default' }, { type: 'strategic', body: { status: { conditions: [{ type: 'example.com/gate', status: 'True' }] } } }, { subresource: 'status' })
    const ready = await node.untilPod('web-1', 'is ready', isReady)
    expect(ready.status.conditions?.map(({ type }) => type)).toContain('example.com/gate')
  })
})

describe('an API server that comes and goes', () => {
  test('what happened meanwhile is told when it is back', async () => {
    await using node = await testNode()
    node.start()
    const { metadata: { uid } } = await node.createPod({})
    await node.untilPod('web-1', 'is ready', isReady)
    const patch = node.client.patch.bind(node.client)
    let away = true
    node.client.patch = ((...of: Parameters<typeof patch>) => (away ? Promise.reject(new ConnectionError('away')) : patch(...of))) as typeof patch
    node.runtime.exit(uid, 'web', 5)
    await node.until('it is restarted without being told', () => node.runtime.running().includes('web-1/web#1'))
    expect((await node.pod('web-1'))?.status.containerStatuses?.[0]?.restartCount).toBe(0)
    away = false
    await node.until('it is told', async () => { await node.clock.advance(1_000); return (await node.pod('web-1'))?.status.containerStatuses?.[0]?.restartCount === 1 })
  })
})

describe('what cannot start yet', () => {
  test('a ConfigMap that is not there is waited for, without polling', async () => {
    await using node = await testNode()
    node.start()
    await node.createPod({ containers: [{ name: 'web', image: 'host', command: ['serve'], env: [{ name: 'COLOR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'color' } } }] }] })
    await node.untilPod('web-1', 'waits', ({ status }) => status.containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerConfigError' && status.containerStatuses[0].state.waiting.message === 'configmap "settings" not found')
    await node.client.create(ConfigMaps, { metadata: { name: 'settings', namespace: 'default' }, data: { color: 'blue' } } as never)
    await node.untilPod('web-1', 'is ready', isReady)
    expect(node.runtime.specOf((await node.pod('web-1'))?.metadata.uid ?? '', 'web', 0)?.env).toContainEqual({ name: 'COLOR', value: 'blue' })
  })

  test('a volume that cannot be had: event, and again later', async () => {
    await using node = await testNode()
    node.start()
    await node.createPod({ volumes: [{ name: 'cfg', configMap: { name: 'settings' } }] })
    await node.until('event', async () => (await node.events()).includes('FailedMount MountVolume.SetUp failed for volume "cfg" : configmap "settings" not found'))
    expect((await node.pod('web-1'))?.status.containerStatuses?.[0]?.state?.waiting?.reason).toBe('ContainerCreating')
    await node.client.create(ConfigMaps, { metadata: { name: 'settings', namespace: 'default' }, data: {} } as never)
    await node.untilPod('web-1', 'is ready', isReady)
  })

  // Upstream's "optional updates should be reflected in volume": three changes at once, the last while the first is being written.
  test('what changes while a volume is being written is written, too', async () => {
    await using node = await testNode()
    node.start()
    let map = await node.client.create(ConfigMaps, { metadata: { name: 'settings', namespace: 'default' }, data: { n: '0' } } as never)
    const pod = await node.createPod({ volumes: [{ name: 'cfg', configMap: { name: 'settings' } }] })
    await node.untilPod('web-1', 'is ready', isReady)
    for (let round = 1; round <= 5; round++) {
      for (let n = 1; n <= 10; n++) map = await node.client.update(ConfigMaps, { ...map, data: { n: `${round}.${n}` } })
      await node.until('the last value', async () => (await readFile(path.join(node.directory, 'data/pods', pod.metadata.uid, 'volumes/kubernetes.io~configmap/cfg/n'), 'utf8').catch(() => '')) === `${round}.10` || undefined)
    }
  })

  test('a sandbox that cannot be made: event, and again later', async () => {
    await using node = await testNode()
    node.runtime.failNext('runSandbox', new Error('no addresses left'))
    node.start()
    await node.createPod({})
    await node.until('event', async () => (await node.events()).includes('FailedCreatePodSandBox Failed to create pod sandbox: no addresses left'))
    await node.clock.advance(10_000)
    await node.untilPod('web-1', 'is ready', isReady)
  })

  test('a RuntimeClass is looked up: one that is not there, and one for a runtime that is not here, fail the sandbox; ours runs', async () => {
    await using node = await testNode()
    node.start()
    await node.createPod({ runtimeClassName: 'ours' })
    await node.until('event', async () => (await node.events()).includes('FailedCreatePodSandBox Failed to create pod sandbox: runtimeclass.node.k8s.io "ours" not found'))
    const classFor = (handler: string): unknown => node.client.create(RuntimeClasses, { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name: 'ours' }, handler })
    await classFor('gvisor')
    await node.clock.advance(10_000)
    await node.until('event', async () => (await node.events()).includes('FailedCreatePodSandBox Failed to create pod sandbox: failed to get sandbox runtime: no runtime for "gvisor" is configured'))
    await node.client.delete(RuntimeClasses, { name: 'ours' })
    await classFor('wherry')
    await node.clock.advance(10_000)
    await node.untilPod('web-1', 'is ready', isReady)
  })

  test.each([['createContainer', 'CreateContainerError'], ['startContainer', 'RunContainerError']] as const)('%s fails: %s', async (method, reason) => {
    await using node = await testNode()
    node.runtime.failNext(method, new Error('no such file'))
    node.start()
    await node.createPod({})
    await node.until('event', async () => (await node.events()).includes('Failed Error: no such file'))
    await node.clock.advance(10_000)
    await node.untilPod('web-1', `is ready after ${reason}`, isReady)
  })

  test('without a pod network only pods on the host\'s network run', async () => {
    await using node = await testNode()
    let configured = ''
    node.start({ network: { configure: (range) => { configured = range; return Promise.resolve() }, isReady: () => configured !== '' } })
    await node.createPod({})
    await node.createPod({ hostNetwork: true }, { name: 'host' })
    await node.untilPod('host', 'is ready', isReady)
    expect(node.runtime.running()).toEqual(['host/web#0'])
    const before = await node.until('node', () => node.get(Nodes, 'node-1'))
    expect(before.status.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({ status: 'False', reason: 'KubeletNotReady' })
    await node.client.patch(Nodes, { name: 'node-1' }, { type: 'merge', body: { spec: { podCIDR: '10.244.7.0/24', podCIDRs: ['10.244.7.0/24'] } } })
    await node.untilPod('web-1', 'is ready', isReady)
    expect(configured).toBe('10.244.7.0/24')
    await node.until('the node is ready', async () => (await node.get(Nodes, 'node-1'))?.status.conditions?.find(({ type }) => type === 'Ready')?.status === 'True')
  })
})

test('an ephemeral container runs in a pod that runs', async () => {
  await using node = await testNode()
  node.start()
  await node.createPod({})
  await node.untilPod('web-1', 'is ready', isReady)
  await node.client.patch(Pods, { name: 'web-1', namespace: 'default' }, { type: 'strategic', body: { spec: { ephemeralContainers: [{ name: 'debug', image: 'host', command: ['sh'] }] } } }, { subresource: 'ephemeralcontainers' })
  await node.until('it runs', () => node.runtime.running().includes('web-1/debug#0'))
  const pod = await node.untilPod('web-1', 'shows it', ({ status }) => Boolean(status.ephemeralContainerStatuses?.[0]?.state?.running))
  expect(isReady(pod)).toBe(true)
  node.runtime.exit(pod.metadata.uid, 'debug', 0)
  await node.untilPod('web-1', 'shows its end', ({ status }) => Boolean(status.ephemeralContainerStatuses?.[0]?.state?.terminated))
  expect(node.runtime.running()).toEqual(['web-1/web#0'])
})

test('an image that changes restarts its container', async () => {
  await using node = await testNode()
  node.start({ images: { resolve: (name) => Promise.resolve({ ref: { kind: 'root', path: `/images/${name}`, id: name }, id: name, entrypoint: ['/run'], command: [], env: [], workingDir: '/', user: undefined, userName: '', stopSignal: undefined }), list: () => [] } })
  await node.createPod({ containers: [{ name: 'web', image: 'one' }] })
  await node.untilPod('web-1', 'is ready', isReady)
  await node.client.patch(Pods, { name: 'web-1', namespace: 'default' }, { type: 'strategic', body: { spec: { containers: [{ name: 'web', image: 'two' }] } } })
  await node.until('it runs anew', () => node.runtime.running().includes('web-1/web#1'))
  const pod = await node.untilPod('web-1', 'shows it', ({ status }) => status.containerStatuses?.[0]?.imageID === 'two')
  expect(pod.status.containerStatuses?.[0]).toMatchObject({ image: 'two', restartCount: 1 })
  await node.until('event', async () => (await node.events()).includes('Killing Container web definition changed, will be restarted'))
})
