/** S21: pods that fill whatever they can write to. What goes to a disk is counted and ends in an eviction, as upstream has it (CVE-2020-8557 and its kin); what goes to memory has an end of its own; the node's state has room all the while. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, statfsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Container, Pod } from '../../src/api/types.ts'
import { type KubeletNode, shell, startKubeletNode } from '../support/kubelet-node.ts'
import { isRoot } from '../support/runtime-node.ts'

if (!isRoot) console.log('SKIPPED fillers.test.ts: pods of real processes need root')

const megabytes = 12
const write = (file: string): string => `head -c ${megabytes}000000 /dev/zero > ${file}`
const limit = '4Mi'
const resources: Container['resources'] = { limits: { 'ephemeral-storage': limit }, requests: { 'ephemeral-storage': '0' } }
const mounts = { volumeMounts: [{ name: 'e', mountPath: '/e' }] }

const fillers: [where: string, script: string, container?: Partial<Container>][] = [
  ['its /etc/hosts', write('/etc/hosts')],
  ['its /etc/resolv.conf', write('/etc/resolv.conf')],
  ['its termination log', write('/dev/termination-log')],
  ['a termination log of another name', write('/var/said'), { terminationMessagePath: '/var/said' }],
  ['its /dev', write('/dev/file')],
  ['its /tmp', write('/tmp/file')],
  ['its /run', write('/run/file')],
  ['its root', write('/var/tmp/file')],
  ['an emptyDir', write('/e/file'), mounts],
  ['a file of an emptyDir that it holds open, and has removed', `exec 3>/e/file; rm /e/file; head -c 1000 /dev/zero >&3; ${write('/e/other')}`, mounts],
  ['its log', `head -c ${megabytes}000000 /dev/zero | tr '\\0' 'x' | fold -w 1000`],
]

describe.runIf(isRoot)('S21: a pod that fills', () => {
  let node: KubeletNode
  const stateUsed = (): number => { const { blocks, bfree, bsize } = statfsSync(node.place.stateDirectory); return (blocks - bfree) * bsize }
  beforeAll(async () => {
    // On a file system of its own, which nobody else writes to.
    node = await startKubeletNode({ eviction: { lookMilliseconds: 300 }, prepare: ({ stateDirectory }) => {
      mkdirSync(stateDirectory, { recursive: true })
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=200m,mode=755', 'wherry-fillers-test', stateDirectory])
    } })
    // All at once: one look measures them all.
    for (const [index, [, script, container]] of fillers.entries()) {
      await node.create(`filler-${index}`, { container: { command: shell(`${script}; sleep 1000`), resources, ...container }, spec: { restartPolicy: 'Never', volumes: [{ name: 'e', emptyDir: {} }] } })
    }
  })
  afterAll(async () => { await node?.[Symbol.asyncDispose]() })

  test.each(fillers.map(([where], index) => [where, index] as const))('%s is evicted', async (_, index) => {
    const { status } = await node.untilPod(`filler-${index}`, 'is evicted', ({ status: { phase } }: Pod) => phase === 'Failed')
    expect(status).toMatchObject({ reason: 'Evicted', message: `Pod ephemeral local storage usage exceeds the total limit of containers ${limit}. ` })
  })

  test('its /dev/shm finds it as large as anywhere, 64 MiB for all of its containers, and the machine\'s state no smaller', async () => {
    const before = stateUsed()
    const fill = (name: string): Partial<Container> & { name: string } => ({ name, image: 'host', command: shell(`head -c 100000000 /dev/zero > /dev/shm/${name} 2>/dev/null; df --output=size -B1 /dev/shm | tail -n 1; touch /dev/shm/done-${name}; until [ -e /dev/shm/done-main ] && [ -e /dev/shm/done-other ]; do sleep 0.1; done; du -B1 -s /dev/shm | cut -f 1`) })
    const { output } = await node.runToEnd('sharing', '', { spec: { containers: [fill('main'), fill('other')] as never } })
    const [size, used] = output.trim().split('\n').map(Number)
    expect(size).toBe(64 << 20)
    expect(used).toBeGreaterThan(60 << 20)
    expect(used).toBeLessThanOrEqual(64 << 20)
    expect(stateUsed() - before).toBeLessThan(4 << 20)
  })

  test('an emptyDir in memory that asks for no size: as large as the pod may be', async () => {
    const { output } = await node.runToEnd('memory', 'df --output=size -B1 /e | tail -n 1', { container: { ...mounts, resources: { limits: { memory: '32Mi' } } }, spec: { volumes: [{ name: 'e', emptyDir: { medium: 'Memory' } }] } })
    expect(output.trim()).toBe(String(32 << 20))
  })

  test('what the kubelet reads of it: hooks and probes whose commands never cease to write', async () => {
    const before = process.memoryUsage().rss
    const endless = { exec: { command: shell('timeout 2 cat /dev/zero') } }
    await node.create('talker', { container: { command: ['sleep', '1000'], lifecycle: { postStart: { exec: { command: shell('timeout 2 cat /dev/zero; exit 0') } } }, startupProbe: { ...endless, timeoutSeconds: 1, periodSeconds: 1, failureThreshold: 1000 } } })
    const pod = await node.untilPod('talker', 'has run its hook', ({ status }) => status.containerStatuses?.[0]?.state?.running !== undefined)
    expect(process.memoryUsage().rss - before).toBeLessThan(256 << 20)
    expect((await node.exec(pod, 'echo there')).out).toBe('there\n')
  })

  test('the kubelet starts and stops what it is asked to', async () => {
    expect((await node.runToEnd('after', 'echo runs')).output).toBe('runs\n')
  })
})
