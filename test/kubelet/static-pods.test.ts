/** Static pods and their mirrors: without an API server, with one that comes late, and through changes. */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { Nodes, Pods } from '../../src/api/kinds.ts'
import { ManifestError, parseManifest } from '../../agents/kubelet/pod-source/manifest.ts'
import { isReady, testNode, type TestNode } from './support.ts'

const manifest = (name: string, command = 'serve', more = ''): string => `apiVersion: v1
kind: Pod
metadata:
  name: ${name}
  namespace: kube-system
spec:
  hostNetwork: true
  containers:
  - name: main
    image: host
    command: [${command}]
${more}`

const put = (node: TestNode, file: string, text: string): Promise<void> => writeFile(path.join(node.staticDirectory, file), text)
/** The directory tells at once; the kubelet then waits a moment for what is still being written. */
const seen = async (node: TestNode, what: string, look: () => boolean | Promise<boolean>): Promise<void> => {
  await node.until(what, async () => { await node.clock.advance(20); return look() })
}

describe('a static pod', () => {
  test('runs without any API server', async () => {
    await using node = await testNode({ api: false })
    await put(node, 'apiserver.yaml', manifest('apiserver'))
    node.start()
    await node.until('it runs', () => node.runtime.running().includes('apiserver-node-1/main#0'))
    expect(node.runtime.log).toEqual(['sandbox apiserver-node-1#0', 'create main#0', 'start main#0'])
  })

  test('comes from the directory of the node\'s configuration, too; its logs go where that wants them', async () => {
    await using node = await testNode()
    const [more, podLogsDirectory] = [path.join(node.directory, 'more'), path.join(node.directory, 'pod-logs')]
    await mkdir(more)
    await put(node, 'apiserver.yaml', manifest('apiserver'))
    await writeFile(path.join(more, 'agent.yaml'), manifest('agent'))
    node.start({ moreStaticPods: more, podLogsDirectory, podsPerCore: 2, clusterDomain: 'example.test' })
    await node.until('both run', () => ['apiserver', 'agent'].every((name) => node.runtime.running().includes(`${name}-node-1/main#0`)))
    expect(await readdir(podLogsDirectory)).toEqual([expect.stringMatching(/^kube-system_agent-node-1_/), expect.stringMatching(/^kube-system_apiserver-node-1_/)])
    const registered = await node.until('the node is there', () => node.get(Nodes, 'node-1'))
    expect(registered.status?.capacity?.['pods']).toBe('8')
    await rm(path.join(more, 'agent.yaml'))
    await seen(node, 'it ends', () => !node.runtime.running().includes('agent-node-1/main#0'))
    expect(node.runtime.running()).toEqual(['apiserver-node-1/main#0'])
  })

  test('is restarted, and runs through kubelets that die', async () => {
    await using node = await testNode({ api: false })
    await put(node, 'apiserver.yaml', manifest('apiserver'))
    node.start()
    await node.until('it runs', () => node.runtime.running().includes('apiserver-node-1/main#0'))
    const uid = (await node.runtime.listSandboxes())[0]?.podUid ?? ''
    node.runtime.exit(uid, 'main', 1)
    await node.until('it runs again', () => node.runtime.running().includes('apiserver-node-1/main#1'))
    await node.kill()
    node.start()
    await node.clock.advance(1_000)
    expect(node.runtime.running()).toEqual(['apiserver-node-1/main#1'])
  })

  test('follows its file: changed, it is another pod after the first has stopped; removed, it stops', async () => {
    await using node = await testNode({ api: false })
    node.start()
    await put(node, 'a.yaml', manifest('a'))
    await seen(node, 'it runs', () => node.runtime.running().includes('a-node-1/main#0'))
    await put(node, 'a.yaml', manifest('a', 'other'))
    await seen(node, 'the other runs', () => node.runtime.log.filter((line) => line === 'start main#0').length === 2)
    expect(node.runtime.running()).toHaveLength(1)
    await rm(path.join(node.staticDirectory, 'a.yaml'))
    await seen(node, 'nothing runs', async () => node.runtime.running().length === 0 && (await node.runtime.listSandboxes()).length === 0)
  })

  test('a file that cannot be used is reported by file and line, and the others run', async () => {
    await using node = await testNode({ api: false })
    await put(node, 'bad.yaml', manifest('bad').replace('image: host', 'image: [host'))
    await put(node, 'good.yaml', manifest('good'))
    node.start()
    await node.until('the good one runs', () => node.runtime.running().includes('good-node-1/main#0'))
    expect(node.log.lines.find((line) => line.includes('bad.yaml'))).toMatch(/bad\.yaml:\d+: /)
  })

  test('is shown by a mirror, which has its status', async () => {
    await using node = await testNode()
    await put(node, 'a.yaml', manifest('a'))
    node.start()
    const mirror = await node.untilPod('a-node-1', 'is ready', isReady, 'kube-system')
    expect(mirror.metadata.annotations?.['kubernetes.io/config.mirror']).toBe((await node.runtime.listSandboxes())[0]?.podUid)
    expect(mirror.metadata.annotations?.['kubernetes.io/config.source']).toBe('file')
    expect(mirror.metadata.ownerReferences).toMatchObject([{ kind: 'Node', name: 'node-1', controller: true }])
    expect(mirror.status).toMatchObject({ phase: 'Running', podIP: '192.0.2.1', hostIP: '192.0.2.1' })
  })

  test('its mirror is made again when somebody deletes it, and goes with it', async () => {
    await using node = await testNode()
    await put(node, 'a.yaml', manifest('a'))
    node.start()
    const first = await node.untilPod('a-node-1', 'is ready', isReady, 'kube-system')
    await node.client.delete(Pods, { name: 'a-node-1', namespace: 'kube-system' })
    await node.untilPod('a-node-1', 'is there again', (pod) => pod.metadata.uid !== first.metadata.uid && isReady(pod), 'kube-system')
    expect(node.runtime.log.filter((line) => line.startsWith('start'))).toEqual(['start main#0'])
    await rm(path.join(node.staticDirectory, 'a.yaml'))
    await seen(node, 'the mirror is gone', async () => (await node.pod('a-node-1', 'kube-system')) === undefined)
  })

  test('keeps its mirror through kubelets that die', async () => {
    await using node = await testNode()
    await put(node, 'a.yaml', manifest('a'))
    node.start()
    const first = await node.untilPod('a-node-1', 'is ready', isReady, 'kube-system')
    const gone: string[] = []
    const stop = new AbortController()
    const watching = (async () => { for await (const { type } of node.server?.watch(`/api/v1/namespaces/kube-system/pods?watch=true&resourceVersion=${first.metadata.resourceVersion}`, stop.signal) ?? []) if (type === 'DELETED') gone.push(type) })().catch(() => {})
    for (let round = 0; round < 3; round++) {
      await node.kill()
      node.start()
      await node.clock.advance(1_000)
    }
    expect((await node.untilPod('a-node-1', 'is ready', isReady, 'kube-system')).metadata.uid).toBe(first.metadata.uid)
    stop.abort()
    await watching
    expect(gone).toEqual([])
  })

  // Its manifest was changed and changed back while the API server was away: the same pod by its hash, and what is shown has ended.
  test('that was put back has a new mirror in place of one that has ended', async () => {
    await using node = await testNode()
    await put(node, 'a.yaml', manifest('a'))
    node.start()
    const first = await node.untilPod('a-node-1', 'is ready', isReady, 'kube-system')
    await node.client.patch(Pods, { name: 'a-node-1', namespace: 'kube-system' }, { type: 'merge', body: { status: { phase: 'Succeeded', conditions: [{ type: 'Ready', status: 'False', reason: 'PodCompleted' }] } } }, { subresource: 'status' })
    await node.untilPod('a-node-1', 'is ready again', (pod) => pod.metadata.uid !== first.metadata.uid && isReady(pod), 'kube-system')
    expect(node.runtime.running()).toEqual(['a-node-1/main#0'])
  })
})

describe('a manifest', () => {
  const source = { file: '/manifests/a.yaml', nodeName: 'Node-1', seen: '2026-01-01T00:00:00Z' }

  test('becomes a pod of this node, with the API server\'s defaults', () => {
    const pod = parseManifest(manifest('a', 'serve', '    livenessProbe:\n      httpGet: {port: 80}\n    resources:\n      limits: {cpu: 0.5}\n'), source)
    expect(pod.metadata).toMatchObject({ name: 'a-node-1', namespace: 'kube-system', annotations: { 'kubernetes.io/config.hash': pod.metadata.uid, 'kubernetes.io/config.source': 'file', 'kubernetes.io/config.seen': '2026-01-01T00:00:00Z' } })
    expect(pod.spec).toMatchObject({ nodeName: 'Node-1', restartPolicy: 'Always', terminationGracePeriodSeconds: 30, tolerations: [{ operator: 'Exists', effect: 'NoExecute' }] })
    expect(pod.spec.containers[0]).toMatchObject({ terminationMessagePath: '/dev/termination-log', resources: { limits: { cpu: '500m' }, requests: { cpu: '500m' } }, livenessProbe: { periodSeconds: 10, failureThreshold: 3, httpGet: { path: '/', scheme: 'HTTP', port: 80 } } })
  })

  test('its uid follows content, file and node, and nothing else', () => {
    const uid = (text: string, more = {}) => parseManifest(text, { ...source, ...more }).metadata.uid
    expect(uid(manifest('a'), { seen: '2027-01-01T00:00:00Z' })).toBe(uid(manifest('a')))
    expect(new Set([uid(manifest('a')), uid(manifest('a', 'other')), uid(manifest('a'), { file: '/manifests/b.yaml' }), uid(manifest('a'), { nodeName: 'node-2' })]).size).toBe(4)
  })

  test.each<[string, string, RegExp]>([
    ['broken YAML', 'a: [1', /^\/manifests\/a\.yaml:\d+: /],
    ['another kind', 'apiVersion: apps/v1\nkind: Deployment', /a\.yaml:1: apiVersion must be v1/],
    ['no pod', 'apiVersion: v1\nkind: Service', /a\.yaml:2: kind must be Pod, is "Service"/],
    ['a list', '- 1', /must be one object of kind Pod/],
    ['no name', 'apiVersion: v1\nkind: Pod\nmetadata: {}\nspec: {containers: [{name: a, image: host}]}', /metadata\.name/],
    ['a bad name', manifest('A'), /a\.yaml:4: metadata\.name/],
    ['no containers', 'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {}', /spec\.containers: Required value/],
    ['a container without image', manifest('a').replace('    image: host\n', ''), /spec\.containers\[0\]\.image: Required value/],
    ['two containers of one name', manifest('a', 'serve', '  - {name: main, image: host}\n'), /Duplicate value: "main"/],
    ['aliases without end', `a: &a [x,x,x,x,x,x,x,x,x]\n${Array.from({ length: 9 }, (_, i) => `${'bcdefghij'[i]}: &${'bcdefghij'[i]} [${Array(9).fill(`*${'abcdefghi'[i]}`).join()}]`).join('\n')}`, /alias/],
  ])('%s is refused by file and line', (_, text, message) => {
    expect(() => parseManifest(text, source)).toThrow(ManifestError)
    expect(() => parseManifest(text, source)).toThrow(message)
  })
})
