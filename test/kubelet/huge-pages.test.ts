/** Huge pages: what a machine has of them, what pods may use, and what volumes are made of. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { hugePageLimits, pageSizeOf, readHugePages } from '../../agents/kubelet/huge-pages.ts'
import { allocatableOf, nodeStatus } from '../../agents/kubelet/node-status.ts'
import { containerLimits, sandboxLimits } from '../../agents/kubelet/resources.ts'
import { createCgroup } from '../../agents/kubelet/runtime/cgroups/cgroup.ts'
import { findHierarchies } from '../../agents/kubelet/runtime/cgroups/hierarchies.ts'
import { aContainer, aPod } from './builders.ts'
import { isReady, machineFacts, testNode } from './support.ts'

const scratch = mkdtempSync(path.join(tmpdir(), 'wherry-pages-'))
afterAll(() => { rmSync(scratch, { recursive: true }) })

const withPages = (name: string, pages: Record<string, string>) => aContainer(name, { resources: { limits: { memory: '1Gi', ...pages }, requests: { memory: '1Gi', ...pages } } })

describe('the node', () => {
  test('has what the kernel has reserved, of each size', async () => {
    for (const [size, pages] of [[2048, 3], [1_048_576, 2], [64, 0]]) {
      mkdirSync(path.join(scratch, 'sys', `hugepages-${size}kB`), { recursive: true })
      writeFileSync(path.join(scratch, 'sys', `hugepages-${size}kB`, 'nr_hugepages'), `${pages}\n`)
    }
    expect(await readHugePages(path.join(scratch, 'sys'))).toEqual({ 'hugepages-2Mi': 6 * 2 ** 20, 'hugepages-1Gi': 2 * 2 ** 30, 'hugepages-64Ki': 0 })
    expect(await readHugePages(path.join(scratch, 'none'))).toEqual({})
  })
  test('shows it, and its memory without it', () => {
    const facts = { nodeName: 'n', nodeIP: '192.0.2.1', machine: { ...machineFacts, hugePages: { 'hugepages-2Mi': 2 ** 30 } }, maxPods: 110, labels: {}, taints: [], version: 'v1.36.0', providerID: undefined, kubeletPort: 10_250, thresholds: [] }
    expect(nodeStatus(facts, { pressures: [], networkProblem: undefined, images: [] }, {}, new Date(0)).capacity).toMatchObject({ 'hugepages-2Mi': '1Gi', 'hugepages-1Gi': '0', memory: '8Gi' })
    expect(allocatableOf(facts)).toMatchObject({ 'hugepages-2Mi': '1Gi', memory: '7Gi' })
  })
})

describe('cgroups', () => {
  test('limits by size, as the kernel names it', () => {
    expect(hugePageLimits({ cpu: '1', 'hugepages-2Mi': '4Mi', 'hugepages-1Gi': '2Gi', 'hugepages-64Ki': '64Ki' })).toEqual({ '2MB': 4 * 2 ** 20, '1GB': 2 * 2 ** 30, '64KB': 65_536 })
    expect(containerLimits(withPages('a', { 'hugepages-2Mi': '4Mi' })).hugePages).toEqual({ '2MB': 4 * 2 ** 20 })
    expect(sandboxLimits(aPod({ containers: [withPages('a', { 'hugepages-2Mi': '4Mi' }), withPages('b', { 'hugepages-2Mi': '2Mi' })] })).hugePages).toEqual({ '2MB': 6 * 2 ** 20 })
    expect(sandboxLimits(aPod({ containers: [withPages('a', { 'hugepages-2Mi': '4Mi' })], resources: { limits: { 'hugepages-2Mi': '8Mi' } } })).hugePages).toEqual({ '2MB': 8 * 2 ** 20 })
    expect(containerLimits(aContainer('a')).hugePages).toBeUndefined()
  })
  for (const [version, suffix] of [[1, 'limit_in_bytes'], [2, 'max']] as const) test(`are written where the kernel has the controller, version ${version}; sizes that are not named get nothing`, async () => {
    const root = path.join(scratch, `v${version}`)
    mkdirSync(path.join(root, 'pod'), { recursive: true })
    for (const size of ['2MB', '1GB']) writeFileSync(path.join(root, 'pod', `hugetlb.${size}.${suffix}`), 'max\n')
    await createCgroup({ version, unified: root, controllers: { cpu: root, memory: root, hugetlb: root } }, 'pod', { hugePages: { '2MB': 4 * 2 ** 20 } })
    expect(['2MB', '1GB'].map((size) => readFileSync(path.join(root, 'pod', `hugetlb.${size}.${suffix}`), 'utf8'))).toEqual(['4194304', '0'])
  })
  test('the controller is found', () => {
    const mount = (superOptions: string[], mountPoint: string, fileSystem = 'cgroup') => ({ mountPoint, fileSystem, superOptions, isShared: false } as never)
    expect(findHierarchies([mount(['memory'], '/m'), mount(['cpu'], '/c'), mount(['hugetlb'], '/h')], '').controllers.hugetlb).toBe('/h')
    expect(findHierarchies([mount([], '/u', 'cgroup2')], 'cpu memory hugetlb pids').controllers.hugetlb).toBe('/u')
  })
})

describe('volumes', () => {
  const pod = (...sizes: string[]) => aPod({ containers: sizes.map((size, index) => withPages(`c${index}`, { [`hugepages-${size}`]: '2Gi' })) })
  for (const [name, medium, of, expected] of [
    ['the one size that is requested', 'HugePages', pod('2Mi'), '2Mi'], ['the same twice', 'HugePages', pod('1Gi', '1Gi'), '1Gi'], ['a size', 'HugePages-1Gi', pod('2Mi', '1Gi'), '1Gi'], ['a size in other words', 'HugePages-2048Ki', pod('2Mi'), '2Mi'],
  ] as const) test(name, () => { expect(pageSizeOf(medium, of)).toBe(expected) })
  for (const [name, medium, of, error] of [
    ['none is requested', 'HugePages', pod(), 'medium HugePages: hugePages storage requested, but there is no resource request for huge pages'],
    ['another is requested', 'HugePages-1Gi', pod('2Mi'), 'medium HugePages-1Gi: hugePages storage requested, but there is no resource request for huge pages'],
    ['several are requested', 'HugePages', pod('2Mi', '1Gi'), "medium: HugePages can't be used if container requests multiple huge page sizes"],
  ] as const) test(`refused: ${name}`, () => { expect(() => pageSizeOf(medium, of)).toThrow(error) })

  test('a pod with one runs where the node has the pages, and nowhere else', async () => {
    await using node = await testNode()
    const spec = { containers: [{ name: 'web', image: 'host', command: ['serve'], resources: { limits: { memory: '64Mi', 'hugepages-2Mi': '4Mi' } }, volumeMounts: [{ name: 'pages', mountPath: '/pages' }] }], volumes: [{ name: 'pages', emptyDir: { medium: 'HugePages', sizeLimit: '4Mi' } }] }
    node.start({ machine: { ...machineFacts, hugePages: { 'hugepages-2Mi': 6 * 2 ** 20 } } })
    await node.createPod(spec as never)
    await node.untilPod('web-1', 'is ready', isReady)
    expect([...node.mounter.mounts.values()]).toEqual(['hugetlbfs 2Mi 4194304'])
    await node.createPod(spec as never, { name: 'web-2' })
    expect((await node.untilPod('web-2', 'is refused', ({ status }) => status.phase === 'Failed')).status).toMatchObject({ reason: 'OutOfhugepages-2Mi' })
  })
})
