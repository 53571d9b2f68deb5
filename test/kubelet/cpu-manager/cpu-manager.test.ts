/** CPUs for one container alone. Named cases after pkg/kubelet/cm/cpumanager: cpu_assignment_test.go, policy_static_test.go and state_checkpoint_test.go. */
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { takeCpus } from '../../../agents/kubelet/cpu-manager/assign.ts'
import { checksumOf, parseCheckpoint, renderCheckpoint } from '../../../agents/kubelet/cpu-manager/checkpoint.ts'
import { type CpuSet, formatCpuSet, parseCpuSet } from '../../../agents/kubelet/cpu-manager/cpu-set.ts'
import { assignCpus, type CpuState, emptyState, exclusiveCpus, releaseCpus, reservedCpus, stateProblem } from '../../../agents/kubelet/cpu-manager/policy.ts'
import { type CpuTopology, readTopology } from '../../../agents/kubelet/cpu-manager/topology.ts'
import type { Container, Pod } from '../../../src/api/types.ts'
import { aPod } from '../builders.ts'

const cpus = (text: string): CpuSet => parseCpuSet(text) ?? []
const made = (places: readonly (readonly [core: number, socket: number, numa: number])[]): CpuTopology => new Map(places.map(([core, socket, numa], cpu) => [cpu, { core, socket, numa }]))

const singleSocketHT = made([0, 1, 2, 3, 0, 1, 2, 3].map((core) => [core, 0, 0]))
const dualSocketHT = made([0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5].map((core) => [core, core % 2, core % 2]))
const dualSocketNoHT = made([0, 1, 2, 3, 4, 5, 6, 7].map((core) => [core, core < 4 ? 0 : 1, core < 4 ? 0 : 1]))
/** Four NUMA nodes in two sockets. */
const fourNodes = made(Array.from({ length: 16 }, (_, cpu) => [cpu, cpu < 8 ? 0 : 1, Math.floor(cpu / 4)]))

describe('sets of CPUs', () => {
  test.each([['', []], ['0', [0]], ['0-2,4', [0, 1, 2, 4]], ['5,3,4,4', [3, 4, 5]], ['0,2,4-6', [0, 2, 4, 5, 6]]])('%j', (text, expected) => { expect(parseCpuSet(text)).toEqual(expected) })
  test.each([[[], ''], [[0], '0'], [[0, 1], '0-1'], [[0, 1, 2, 4, 6, 7], '0-2,4,6-7']])('%j is written %j', (set, expected) => { expect(formatCpuSet(set)).toBe(expected) })
  test.each(['a', '1-', '3-1', '1,,2', '0-99999999', '-1'])('%j is none', (text) => { expect(parseCpuSet(text)).toBeUndefined() })
})

describe('which CPUs are taken', () => {
  test.each<[string, CpuTopology, string, number, string]>([
    ['none', singleSocketHT, '0-7', 0, ''], ['one', singleSocketHT, '0-7', 1, '0'], ['one, some are taken: of the core that is used already', singleSocketHT, '1,3,5-7', 1, '6'], ['two: a core', singleSocketHT, '0-7', 2, '0,4'],
    ['all', singleSocketHT, '0-7', 8, '0-7'], ['two, only one core is free', singleSocketHT, '0-1,3,6-7', 2, '3,7'],
    ['one of two sockets', dualSocketHT, '1-5,7-11', 1, '2'], ['a socket', dualSocketHT, '0-11', 6, '0,2,4,6,8,10'], ['a socket and a core', dualSocketHT, '0-11', 8, '0-2,4,6-8,10'],
    ['more than a socket has left', dualSocketHT, '1-11', 6, '1,3,5,7,9,11'], ['a socket without threads', dualSocketNoHT, '0-7', 4, '0-3'], ['what a socket has left first', dualSocketNoHT, '0-1,4-7', 2, '0-1'],
    ['a NUMA node', fourNodes, '0-15', 4, '0-3'], ['a socket of NUMA nodes', fourNodes, '0-15', 8, '0-7'], ['a NUMA node where the socket is used', fourNodes, '1-15', 4, '4-7'],
  ])('%s', (_, topology, available, count, expected) => { expect(formatCpuSet(takeCpus(topology, cpus(available), count))).toBe(expected) })
  test('more than there are', () => { expect(() => takeCpus(singleSocketHT, cpus('0,2,4,6'), 5)).toThrow('not enough cpus available to satisfy request: requested=5, available=4') })
})

const container = (name: string, cpu: string, more: Partial<Container> = {}): Container => ({ name, image: 'host', resources: { limits: { cpu, memory: '1Gi' }, requests: { cpu, memory: '1Gi' } }, ...more })
const pod = (uid: string, containers: Container[], initContainers: Container[] = []): Pod => aPod({ containers, ...(initContainers.length > 0 && { initContainers }) }, { name: uid, uid })
const room = { topology: singleSocketHT, reserved: cpus('0,4') }
const shown = ({ shared, assignments }: CpuState): object => ({ shared: formatCpuSet(shared), ...Object.fromEntries([...assignments].map(([uid, own]) => [uid, Object.fromEntries([...own].map(([name, set]) => [name, formatCpuSet(set)]))])) })

describe('who has CPUs alone', () => {
  test.each<[string, Pod, number]>([
    ['a Guaranteed pod with whole ones', pod('a', [container('c', '2')]), 2], ['written in thousandths', pod('a', [container('c', '2000m')]), 2], ['not with parts of one', pod('a', [container('c', '1500m')]), 0],
    ['not a Burstable one', pod('a', [{ name: 'c', image: 'host', resources: { requests: { cpu: '2' } } }]), 0], ['not a BestEffort one', pod('a', [{ name: 'c', image: 'host' }]), 0],
    ['not one that asks as a whole', aPod({ containers: [container('c', '2')], resources: { limits: { cpu: '2', memory: '1Gi' } } }), 0],
  ])('%s', (_, each, expected) => { expect(exclusiveCpus(each, each.spec.containers[0] as Container)).toBe(expected) })
  test('each gets what is best, but nothing that is reserved, and the others share the rest', () => {
    let state = assignCpus(emptyState(room), pod('a', [container('one', '2'), container('half', '500m'), container('two', '1')]), room)
    expect(shown(state)).toEqual({ shared: '0,3-4,6-7', a: { one: '1,5', two: '2' } })
    state = assignCpus(state, pod('b', [container('c', '2')]), room)
    expect(shown(state)).toEqual({ shared: '0,4,6', a: { one: '1,5', two: '2' }, b: { c: '3,7' } })
    expect(() => assignCpus(state, pod('d', [container('c', '2')]), room)).toThrow('requested=2, available=1')
    expect(shown(assignCpus(state, pod('b', [container('c', '2')]), room))).toEqual(shown(state))
    expect(shown(releaseCpus(state, 'a'))).toEqual({ shared: '0-2,4-6', b: { c: '3,7' } })
  })
  test('what an init container had, those after it may have; what a sidecar has, not', () => {
    const state = assignCpus(emptyState(room), pod('a', [container('main', '4')], [container('init', '4'), container('side', '1', { restartPolicy: 'Always' })]), room)
    const { a } = shown(state) as { a: Record<string, string> }
    expect(a).toEqual({ init: '1-2,5-6', side: '1', main: expect.stringMatching(/./) as unknown })
    expect(cpus(a['main'] ?? '').length).toBe(4)
    expect(cpus(a['main'] ?? '')).not.toContain(1)
  })
  test('what does not fit takes nothing', () => {
    const state = emptyState(room)
    expect(() => assignCpus(state, pod('a', [container('one', '4'), container('two', '4')]), room)).toThrow('requested=4, available=2')
    expect(shown(state)).toEqual({ shared: '0-7' })
  })
})

describe('what is reserved', () => {
  test.each([['as many as it takes', { milli: 2000n }, '0,4'], ['parts are whole ones', { milli: 1001n }, '0,4'], ['one', { milli: 300n }, '0'], ['those that are named', { named: cpus('1,3') }, '1,3']])('%s', (_, reserved, expected) => { expect(formatCpuSet(reservedCpus(singleSocketHT, reserved))).toBe(expected) })
  test.each([['nothing', { milli: 0n }, /requires systemreserved\.cpu \+ kubereserved\.cpu to be greater than zero/], ['what is not there', { named: cpus('9') }, /CPUs that this machine does not have: it has 0-7/]] as const)('%s is refused', (_, reserved, why) => { expect(() => reservedCpus(singleSocketHT, reserved)).toThrow(why) })
})

describe('what is remembered', () => {
  // The sums of upstream's own files.
  test.each([['4-6', {}, 354655845], ['1-3', { pod: { container1: '4-6', container2: '1-3' } }, 3610638499], ['', {}, 1353318690]])('has upstream\'s sum: %s', (defaultCpuSet, entries, sum) => { expect(checksumOf({ policyName: 'none', defaultCpuSet, entries }) >>> 0).toBe(sum) })
  const state = assignCpus(emptyState(room), pod('a', [container('one', '2')]), room)
  test('is read as it was written', () => {
    expect(JSON.parse(renderCheckpoint(state))).toEqual({ policyName: 'static', defaultCpuSet: '0,2-4,6-7', entries: { a: { one: '1,5' } }, checksum: expect.any(Number) as unknown })
    expect(shown(parseCheckpoint(renderCheckpoint(state)))).toEqual(shown(state))
  })
  test.each<[string, string, RegExp]>([
    ['nothing', '', /checkpoint is corrupted/], ['another sum', renderCheckpoint(state).replace('1,5', '1,6'), /checkpoint is corrupted/], ['another policy', '{"policyName":"none","defaultCpuSet":"","checksum":1353318690}', /configured policy "static" differs from state checkpoint policy "none"/],
    ['no set', '{"policyName":"static","defaultCpuSet":"1.3"}', /could not parse default cpu set "1\.3"/], ['no set of a container', '{"policyName":"static","defaultCpuSet":"1","entries":{"pod":{"c":"asd"}}}', /could not parse cpuset for container "c" in pod "pod": "asd"/],
  ])('%s is refused', (_, text, why) => { expect(() => parseCheckpoint(text)).toThrow(why) })
  test.each<[string, CpuState, string | undefined]>([
    ['fits', state, undefined], ['what is reserved is somebody\'s', { ...state, shared: cpus('2-3,6-7') }, 'not all reserved cpus: "0,4" are present in defaultCpuSet: "2-3,6-7"'],
    ['two have the same', { ...state, shared: cpus('0-7') }, 'pod: a, container: one cpuset: "1,5" overlaps with default cpuset "0-7"'], ['CPUs are gone', { ...state, shared: cpus('0,2-4,6') }, 'current set of available CPUs "0-7" doesn\'t match with CPUs in state "0-6"'],
    ['nothing to share', { ...state, shared: [] }, 'default cpuset cannot be empty'],
  ])('%s', (_, known, expected) => { expect(stateProblem(known, room)).toBe(expected) })
})

describe('the machine\'s CPUs', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'wherry-cpus-'))
  afterAll(() => rmSync(directory, { recursive: true, force: true }))
  const put = (file: string, text: string): void => { mkdirSync(path.dirname(path.join(directory, file)), { recursive: true }); writeFileSync(path.join(directory, file), `${text}\n`) }
  test('are read with their cores, sockets and nodes', () => {
    put('cpu/online', '0-3')
    put('node/node0/cpulist', '0,2')
    put('node/node1/cpulist', '1,3')
    for (const cpu of [0, 1, 2, 3]) { put(`cpu/cpu${cpu}/topology/core_cpus_list`, cpu % 2 === 0 ? '0,2' : '1,3'); put(`cpu/cpu${cpu}/topology/physical_package_id`, String(cpu % 2)) }
    expect([...readTopology(directory)]).toEqual([[0, { core: 0, socket: 0, numa: 0 }], [1, { core: 1, socket: 1, numa: 1 }], [2, { core: 0, socket: 0, numa: 0 }], [3, { core: 1, socket: 1, numa: 1 }]])
  })
  test('of this machine are known', () => { expect(readTopology().size).toBeGreaterThan(0) })
})

describe('options of the policy', () => {
  const whole = { ...room, fullCores: true }
  const held = { ...room, strict: true }
  test('full-pcpus-only: whole cores, or none', () => {
    expect(shown(assignCpus(emptyState(whole), pod('a', [container('c', '4')]), whole))).toEqual({ shared: '0,3-4,7', a: { c: '1-2,5-6' } })
    expect(() => assignCpus(emptyState(whole), pod('a', [container('c', '3')]), whole)).toThrow('SMT Alignment Error: requested 3 cpus not multiple cpus per core = 2')
    expect(() => assignCpus(emptyState(whole), pod('a', [container('c', '8')]), whole)).toThrow('SMT Alignment Error: not enough free physical CPUs: available physical CPUs = 6, requested CPUs = 8, CPUs per core = 2')
  })
  test('full-pcpus-only: a core of which a part is reserved is none', () => {
    const odd = { ...whole, reserved: cpus('0') }
    expect(() => assignCpus(emptyState(odd), pod('a', [container('c', '6'), container('d', '2')]), odd)).toThrow('available physical CPUs = 0, requested CPUs = 2')
  })
  test('full-pcpus-only: what an init container had counts as free for those after it', () => {
    expect(shown(assignCpus(emptyState(whole), pod('a', [container('c', '6')], [container('init', '6')]), whole))).toMatchObject({ a: { c: '1-3,5-7', init: '1-3,5-7' } })
  })
  test('strict-cpu-reservation: what is reserved is not shared, either', () => {
    const state = assignCpus(emptyState(held), pod('a', [container('c', '2')]), held)
    expect(shown(state)).toEqual({ shared: '2-3,6-7', a: { c: '1,5' } })
    expect(shown(releaseCpus(state, 'a'))).toEqual({ shared: '1-3,5-7' })
    expect(stateProblem(state, held)).toBeUndefined()
    expect(stateProblem(state, room)).toBe('not all reserved cpus: "0,4" are present in defaultCpuSet: "2-3,6-7"')
    expect(stateProblem(emptyState(room), held)).toBe('some of strictly reserved cpus: "0,4" are present in defaultCpuSet: "0-7"')
  })
})
