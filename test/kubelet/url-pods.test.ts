/** Static pods from a URL: one or a list, with their mirrors, through answers that cannot be used. */
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { isReady, testNode, type TestNode } from './support.ts'

const aPod = (name: string, command = 'serve') => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'kube-system' }, spec: { hostNetwork: true, containers: [{ name: 'main', image: 'host', command: [command] }] } })
const aList = (...items: object[]) => JSON.stringify({ apiVersion: 'v1', kind: 'PodList', items })

describe('static pods from a URL', () => {
  let answer: { status: number; text: string }
  let asked: IncomingHttpHeaders[] = []
  const server = createServer((request, response) => { asked.push(request.headers); response.writeHead(answer.status).end(answer.text) })
  let url: string
  beforeAll(async () => {
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/pods`
  })
  afterAll(() => { server.closeAllConnections(); server.close() })
  beforeEach(() => { asked = []; answer = { status: 200, text: '' } })

  const start = (node: TestNode): void => { node.start({ staticPodURL: { url, headers: { 'X-Token': ['one', 'two'] }, checkMilliseconds: 20_000 } }) }
  /** Some minutes pass. */
  const seen = (node: TestNode, what: string, look: () => boolean | Promise<boolean>) => node.until(what, async () => { await node.clock.advance(20_000); return look() })

  test('one pod, as JSON, with the headers that were asked for, and a mirror', async () => {
    await using node = await testNode()
    answer.text = JSON.stringify(aPod('one'))
    start(node)
    const mirror = await node.untilPod('one-node-1', 'is ready', isReady, 'kube-system')
    expect(mirror.metadata.annotations).toMatchObject({ 'kubernetes.io/config.source': 'http' })
    expect(asked[0]?.['x-token']).toBe('one, two')
  })

  test('a list, beside a directory; what is not in it any more stops, and its mirror goes', async () => {
    await using node = await testNode()
    await writeFile(path.join(node.staticDirectory, 'file.json'), JSON.stringify(aPod('file')))
    answer.text = aList(aPod('one'), aPod('two'))
    start(node)
    await seen(node, 'all run', () => node.runtime.running().length === 3)
    for (const name of ['one', 'two', 'file']) await node.untilPod(`${name}-node-1`, 'is shown', isReady, 'kube-system')
    answer.text = aList(aPod('two'))
    await seen(node, 'one has stopped', () => node.runtime.running().toSorted().join() === 'file-node-1/main#0,two-node-1/main#0')
    await seen(node, 'its mirror is gone', async () => (await node.pod('one-node-1', 'kube-system')) === undefined)
    expect(asked.length).toBeGreaterThan(1)
  })

  test('as YAML; a pod that changes is another pod', async () => {
    await using node = await testNode({ api: false })
    answer.text = 'apiVersion: v1\nkind: Pod\nmetadata: {name: one}\nspec: {hostNetwork: true, containers: [{name: main, image: host, command: [serve]}]}\n'
    start(node)
    await seen(node, 'it runs', () => node.runtime.running().includes('one-node-1/main#0'))
    answer.text = answer.text.replace('serve', 'other')
    await seen(node, 'the other runs', () => node.runtime.log.filter((line) => line === 'start main#0').length === 2)
    expect(node.runtime.running()).toEqual(['one-node-1/main#0'])
  })

  for (const [name, status, text, message] of [
    ['an error', 500, 'no', /Failed to read pods from URL: http:\S+: 500/],
    ['no pod', 200, '{"kind":"Service","apiVersion":"v1"}', /Failed to read pods from URL: .*kind must be Pod, is "Service"/],
    ['a list with one that cannot be used', 200, aList(aPod('two'), { ...aPod('bad'), spec: {} }), /items\[1\]: spec\.containers: Required value/],
  ] as const) test(`${name} changes nothing and is told`, async () => {
    await using node = await testNode({ api: false })
    answer.text = JSON.stringify(aPod('one'))
    start(node)
    await seen(node, 'it runs', () => node.runtime.running().includes('one-node-1/main#0'))
    answer = { status, text }
    await seen(node, 'it is told', () => node.log.lines.some((line) => message.test(line)))
    expect(node.runtime.running()).toEqual(['one-node-1/main#0'])
  })

  test('nothing at all ends all of them, and is told', async () => {
    await using node = await testNode({ api: false })
    answer.text = JSON.stringify(aPod('one'))
    start(node)
    await seen(node, 'it runs', () => node.runtime.running().includes('one-node-1/main#0'))
    answer.text = ''
    await seen(node, 'it has stopped', () => node.runtime.running().length === 0)
    expect(node.log.lines.some((line) => line.includes('zero-length data received'))).toBe(true)
  })

  test('as long as the URL does not answer, what another kubelet ran from it runs on, and its mirror stays', async () => {
    await using node = await testNode()
    await writeFile(path.join(node.staticDirectory, 'file.json'), JSON.stringify(aPod('file')))
    answer.text = JSON.stringify(aPod('one'))
    start(node)
    await node.untilPod('one-node-1', 'is ready', isReady, 'kube-system')
    await node.kill()
    answer.status = 503
    start(node)
    await seen(node, 'it was asked again', () => node.log.lines.some((line) => line.includes('503')))
    expect(node.runtime.running()).toContain('one-node-1/main#0')
    expect(await node.pod('one-node-1', 'kube-system')).toBeDefined()
  })
})
