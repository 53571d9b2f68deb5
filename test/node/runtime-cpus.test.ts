/** Containers pinned to CPUs by the kernel: from their start, while they run or wait armed, by adoption, and nothing left of it. */
import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readTopology, cpusOf } from '../../agents/kubelet/cpu-manager/topology.ts'
import { formatCpuSet } from '../../agents/kubelet/cpu-manager/cpu-set.ts'
import type { ProcessRuntime } from '../../agents/kubelet/runtime/process-runtime.ts'
import { aContainer, aSandbox, collect, isRoot, launch, leavePlace, never, newPlace, type NodePlace, openRuntime, until } from '../support/runtime-node.ts'

const canPin = isRoot && availableParallelism() > 1 && /\bcpuset\b/.test(readFileSync('/proc/self/cgroup', 'utf8') + (existsSync('/sys/fs/cgroup/cgroup.controllers') ? readFileSync('/sys/fs/cgroup/cgroup.controllers', 'utf8') : ''))
if (!canPin) console.log('SKIPPED runtime-cpus.test.ts: needs root, two CPUs and the cgroup controller cpuset')

const allowed = (pid: number): string => /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? ''
const pidOf = async (runtime: ProcessRuntime, podUid: string, name = 'main'): Promise<number> => until(`${name} of ${podUid} runs`, async () => (await runtime.listContainers(podUid)).find((each) => each.name === name && each.state === 'running')?.pid)
/** By controller: files that hold a node's cgroups. */
const cpusetPlaces = (place: NodePlace): string[] => ['/sys/fs/cgroup/cpuset', '/sys/fs/cgroup'].map((root) => path.join(root, `wherry-${place.clusterId}`)).filter((each) => existsSync(path.join(each, 'cpuset.cpus')))

describe.runIf(canPin)('a container', () => {
  const all = canPin ? cpusOf(readTopology()) : []
  const [one, others] = [formatCpuSet(all.slice(-1)), formatCpuSet(all.slice(0, -1))]
  const place = newPlace()
  let runtime: ProcessRuntime
  beforeAll(async () => { runtime = await openRuntime(place, { pinsCpus: true }) })
  afterAll(async () => { await runtime.destroy(); leavePlace(place) })

  test('runs on the CPUs that it is given, with all that it starts and all that is executed in it; others may be given while it runs or is armed', async () => {
    await runtime.runSandbox(aSandbox('alone', { qosClass: 'Guaranteed' }), never)
    await launch(runtime, aContainer(place, 'alone', ['sh', '-c', 'sleep 300 & exec sleep 300'], { cpus: one }))
    await pidOf(runtime, 'alone')
    await until('its child runs', async () => (await runtime.processes('alone', 'main')).length > 1)
    expect((await runtime.processes('alone', 'main')).map(allowed)).toEqual([one, one])
    expect((await collect(runtime, 'alone', ['grep', 'Cpus_allowed_list', '/proc/self/status'])).out).toMatch(new RegExp(`\\s${one}\n$`))
    await runtime.createContainer(aContainer(place, 'alone', ['sleep', '300'], { attempt: 1, cpus: one }), never)
    await runtime.setCpus('alone', 'main', others)
    expect((await runtime.processes('alone', 'main')).map(allowed)).toEqual([others, others])
    await runtime.stopContainer('alone', 'main', 0)
    const spec = aContainer(place, 'alone', ['sleep', '300'], { attempt: 1, cpus: one })
    await runtime.startContainer(spec)
    expect(allowed(await pidOf(runtime, 'alone'))).toBe(one)
  })
  test('one that runs since before anybody was pinned is pinned, too', async () => {
    const early = newPlace()
    const before = await openRuntime(early)
    await before.runSandbox(aSandbox('early'), never)
    await launch(before, aContainer(early, 'early', ['sleep', '300']))
    const pid = await pidOf(before, 'early')
    expect(cpusetPlaces(early)).toEqual([])
    before.close()
    const after = await openRuntime(early, { pinsCpus: true })
    await after.setCpus('early', 'main', one)
    expect(allowed(pid)).toBe(one)
    expect((await collect(after, 'early', ['grep', 'Cpus_allowed_list', '/proc/self/status'])).out).toMatch(new RegExp(`\\s${one}\n$`))
    after.close()
    // Nobody is pinned any more: what was is still let go of, and leaves nothing.
    const last = await openRuntime(early)
    await last.setCpus('early', 'main', formatCpuSet(all))
    expect(allowed(pid)).toBe(formatCpuSet(all))
    await last.destroy()
    expect(cpusetPlaces(early)).toEqual([])
    leavePlace(early)
  })
})
