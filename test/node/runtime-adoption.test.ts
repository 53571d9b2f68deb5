/** The agent can die, pods do not: what a kubelet finds that comes back, whenever the last one was killed. */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cgroupPids } from '../../agents/kubelet/runtime/cgroups/cgroup.ts'
import { findHierarchies, type Hierarchies } from '../../agents/kubelet/runtime/cgroups/hierarchies.ts'
import { parseMountInfo } from '../../agents/kubelet/runtime/proc/mount-info.ts'
import { readIfThere, readStat } from '../../agents/kubelet/runtime/proc/stat.ts'
import { type Agent, plain, startAgent } from '../support/runtime-agent.ts'
import { aContainer, aSandbox, isRoot, leavePlace, logText, newPlace, openRuntime, until } from '../support/runtime-node.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

const full = process.env['WHERRY_FULL'] === '1'
const place = newPlace()
/** Says a number ten times a second; a shell would fork a `sleep` each time, a thousand a second in all. */
const counter = ['perl', '-e', '$| = 1; my $n = 0; while (1) { print ++$n, "\\n"; select undef, undef, undef, 0.1 }']
const isAlive = (pid: number): boolean => (readStat(pid)?.state ?? 'Z') !== 'Z'
let hierarchies: Hierarchies

/** Without what launches them, and what carries their logs. */
const nodePids = (below = ''): number[] => cgroupPids(hierarchies, path.join(`wherry-${place.clusterId}`, place.nodeName, below)).filter((pid) => !(readIfThere(`/proc/${pid}/cmdline`) ?? '').match(/\0-s\0launcher\0$|log-?writer\0/i))
const shimOf = (podUid: string, name: string, attempt = 0): number => {
  const directory = path.join(place.stateDirectory, 'pods', podUid, name, String(attempt))
  const process = JSON.parse(readFileSync(path.join(directory, 'identity.json'), 'utf8')) as { process: { pid: number } }
  return readStat(process.process.pid)?.parentPid ?? 0
}

sayWhatIsSkipped('runtime-adoption.test.ts', !isRoot, 'containers of real processes need root')

describe.skipIf(!isRoot)('adoption', () => {
  let agent: Agent
  beforeAll(async () => {
    const mounts = parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8'))
    const unified = mounts.find(({ fileSystem }) => fileSystem === 'cgroup2')?.mountPoint
    hierarchies = findHierarchies(mounts, unified ? readFileSync(path.join(unified, 'cgroup.controllers'), 'utf8') : '')
    agent = await startAgent(place)
  })
  afterAll(async () => {
    await agent.kill()
    const runtime = await openRuntime(place)
    await runtime.destroy()
    leavePlace(place)
  })
  const restart = async (): Promise<void> => {
    await agent.kill()
    agent = await startAgent(place)
  }

  test('check 10: killed again and again over many pods: the same processes, nothing lost, nothing twice, the logs go on', async () => {
    const count = full ? 100 : 10
    const times = full ? 50 : 5
    const specs = Array.from({ length: count }, (_, index) => aContainer(place, `pod-${index}`, counter))
    for (const spec of specs) {
      await agent.tell({ do: 'sandbox', spec: plain(aSandbox(spec.podUid)) })
      await agent.tell({ do: 'launch', spec })
    }
    const before = (await agent.containers()).map(({ podUid, pid, state }) => `${podUid} ${pid} ${state}`)
    expect(before).toHaveLength(count)
    for (let time = 0; time < times; time++) {
      await restart()
      expect((await agent.containers()).map(({ podUid, pid, state }) => `${podUid} ${pid} ${state}`).sort()).toEqual([...before].sort())
    }
    expect(nodePids('shims')).toHaveLength(count)
    const missing = specs.flatMap((spec) => {
      const seen = logText(spec.logPath).trim().split('\n').map(Number)
      expect(seen.length).toBeGreaterThan(5)
      expect(seen, 'in order, and nothing twice').toEqual([...new Set(seen)].sort((one, other) => one - other))
      return Array.from({ length: seen.at(-1) ?? 0 }, (_, index) => index + 1).filter((each) => !seen.includes(each))
    })
    const lines = specs.reduce((sum, spec) => sum + logText(spec.logPath).trim().split('\n').length, 0)
    console.log(`check 10 (runtime): ${times} kills, ${count} pods: the same processes after each, ${nodePids('shims').length} shims, ${lines} lines of log, ${missing.length} missing, none twice`)
    for (const spec of specs) await agent.tell({ do: 'removeSandbox', podUid: spec.podUid })
    expect(missing).toEqual([])
    expect(nodePids()).toEqual([])
  }, full ? 1_200_000 : undefined)

  test('what ends while nobody looks: its code, its moment and its last words are kept', async () => {
    await agent.tell({ do: 'sandbox', spec: plain(aSandbox('alone')) })
    const flag = path.join(place.scratch, 'flag')
    const mounts = [{ hostPath: place.scratch, containerPath: '/flag', readOnly: false, propagation: 'private' as const }]
    const spec = aContainer(place, 'alone', ['sh', '-c', 'echo first; until [ -e /flag/flag ]; do sleep 0.02; done; echo last words; echo -n sorry > /dev/termination-log; touch /flag/done; exit 42'], { mounts })
    await agent.tell({ do: 'launch', spec })
    await until('the first words', () => logText(spec.logPath).includes('first'))
    const { pid = 0 } = (await agent.containers()).find(({ podUid }) => podUid === 'alone') ?? {}
    await agent.kill()
    writeFileSync(flag, '')
    await until('it to end', () => !isAlive(pid))
    const ended = performance.now()
    await until('some time to pass', () => performance.now() - ended > 300)
    agent = await startAgent(place)
    const state = (await agent.containers()).find(({ podUid }) => podUid === 'alone')
    expect(state).toMatchObject({ state: 'exited', exitCode: 42, message: 'sorry' })
    await until('its last words', () => logText(spec.logPath) === 'first\nlast words\n')
    await until('its shim to be gone', () => nodePids('shims').length === 0)
    await restart()
    expect((await agent.containers()).find(({ podUid }) => podUid === 'alone')).toMatchObject({ state: 'exited', exitCode: 42, finishedAt: state?.finishedAt })
    await agent.tell({ do: 'removeSandbox', podUid: 'alone' })
  })

  for (const when of ['while the kubelet looks', 'while nobody looks']) {
    test(`the shim is killed ${when}: one container is lost, and known to be`, async () => {
      for (const uid of ['hit', 'spared']) {
        await agent.tell({ do: 'sandbox', spec: plain(aSandbox(uid)) })
        await agent.tell({ do: 'launch', spec: aContainer(place, uid, ['sleep', '1000']) })
      }
      const pids = Object.fromEntries((await agent.containers()).map(({ podUid, pid }) => [podUid, pid ?? 0]))
      const shim = shimOf('hit', 'main')
      if (when === 'while nobody looks') await agent.kill()
      process.kill(shim, 'SIGKILL')
      await until('the shim to be gone', () => !isAlive(shim))
      if (when === 'while nobody looks') agent = await startAgent(place)
      const state = await until('it to be known', async () => (await agent.containers()).find(({ podUid, state: each }) => podUid === 'hit' && each === 'exited'))
      expect(state).toMatchObject({ exitCode: 137, reason: 'ContainerStatusUnknown' })
      expect(isAlive(pids['hit'] ?? 0)).toBe(false)
      expect((await agent.containers()).find(({ podUid }) => podUid === 'spared')).toMatchObject({ state: 'running', pid: pids['spared'] })
      for (const uid of ['hit', 'spared']) await agent.tell({ do: 'removeSandbox', podUid: uid })
    })
  }

  test('the process is killed while nobody looks', async () => {
    await agent.tell({ do: 'sandbox', spec: plain(aSandbox('killed')) })
    const pid = (await agent.tell({ do: 'launch', spec: aContainer(place, 'killed', ['sleep', '1000']) })) as number
    await agent.kill()
    process.kill(pid, 'SIGKILL')
    await until('it to be gone', () => !isAlive(pid))
    agent = await startAgent(place)
    expect((await agent.containers()).find(({ podUid }) => podUid === 'killed')).toMatchObject({ state: 'exited', exitCode: 137, reason: undefined })
    await agent.tell({ do: 'removeSandbox', podUid: 'killed' })
  })

  test('check 11: records that name processes of others are not believed, and those are left alone', async () => {
    await agent.tell({ do: 'sandbox', spec: plain(aSandbox('reused')) })
    await agent.tell({ do: 'launch', spec: aContainer(place, 'reused', ['sleep', '1000']) })
    await agent.tell({ do: 'sandbox', spec: plain(aSandbox('taken')) })
    await agent.tell({ do: 'launch', spec: aContainer(place, 'taken', ['sleep', '1000']) })
    await agent.kill()
    // The kernel has given their pids to somebody else, who has lived since just the moment that is written there; or since another.
    const foreign = [spawn('sleep', ['1000']), spawn('sleep', ['1000']), spawn('sleep', ['1000'])]
    const signalled: string[] = []
    for (const each of foreign) each.on('exit', (code, signal) => signalled.push(`${each.pid} ${code} ${signal}`))
    const [one = 0, two = 0, three = 0] = foreign.map(({ pid }) => pid ?? 0)
    const write = (file: string, change: (content: Record<string, unknown>) => void): void => {
      const content = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
      change(content)
      writeFileSync(file, JSON.stringify(content))
    }
    const pods = path.join(place.stateDirectory, 'pods')
    write(path.join(pods, 'reused/main/0/identity.json'), (content) => { content['process'] = { pid: one, startTime: readStat(one)?.startTime } })
    write(path.join(pods, 'taken/main/0/identity.json'), (content) => { content['process'] = { pid: two, startTime: 1 } })
    write(path.join(pods, 'taken/.sandbox/0/record.json'), (content) => { content['holder'] = { pid: three, startTime: readStat(three)?.startTime } })
    agent = await startAgent(place)
    expect((await agent.containers()).find(({ podUid }) => podUid === 'reused')).toMatchObject({ state: 'exited', exitCode: 137 })
    expect(nodePids('besteffort/podreused/main-0')).toEqual([])
    await agent.tell({ do: 'stop', podUid: 'reused', name: 'main', graceSeconds: 0 }).catch(() => {}) // there is nothing to stop
    for (const podUid of ['reused', 'taken']) await agent.tell({ do: 'removeSandbox', podUid })
    expect(signalled).toEqual([])
    expect([one, two, three].map(isAlive)).toEqual([true, true, true])
    expect(nodePids()).toEqual([])
    for (const each of foreign) each.kill('SIGKILL')
  })

  test('an armed spare is kept, and can be started by the next kubelet', async () => {
    await agent.tell({ do: 'sandbox', spec: plain(aSandbox('spare')) })
    const spec = aContainer(place, 'spare', ['sh', '-c', 'echo $WORD; sleep 1000'], { env: [{ name: 'WORD', value: 'from the next' }] })
    await agent.tell({ do: 'create', spec })
    const [armed = 0] = nodePids('besteffort/podspare/main-0')
    await restart()
    expect((await agent.containers()).find(({ podUid }) => podUid === 'spare')).toMatchObject({ state: 'created' })
    expect(await agent.tell({ do: 'start', spec })).toMatchObject({ state: 'running', pid: armed })
    await until('its word', () => logText(spec.logPath) === 'from the next\n')
    await agent.tell({ do: 'removeSandbox', podUid: 'spare' })
  })

  test('what runs under a protocol of before is taken over; under one that is not understood it is refused by name, and left alone', async () => {
    await agent.tell({ do: 'sandbox', spec: plain(aSandbox('older')) })
    const pid = await agent.tell({ do: 'launch', spec: aContainer(place, 'older', ['sleep', '1000']) })
    const number = (file: string, value: number | undefined): void => { writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')) as object, protocol: value })) }
    const [container, sandbox] = ['older/main/0/record.json', 'older/.sandbox/0/record.json'].map((name) => path.join(place.stateDirectory, 'pods', name))
    for (const [file = '', what] of [[container, 'container main'], [sandbox, 'the sandbox']] as const) {
      await agent.kill()
      number(file, 2)
      await expect(startAgent(place)).rejects.toThrow(/gone/)
      await expect(openRuntime(place)).rejects.toThrow(`${what} of pod older runs under version 2 of the supervision protocol, and this Wherry understands 1: nothing was touched`)
      expect(isAlive(pid as number)).toBe(true)
      // Those that were made before there was a number are of the first.
      number(file, undefined)
      agent = await startAgent(place)
      expect((await agent.containers()).find(({ podUid }) => podUid === 'older')).toMatchObject({ state: 'running', pid })
    }
    await agent.tell({ do: 'removeSandbox', podUid: 'older' })
  })

  test('the sandbox is killed while nobody looks', async () => {
    await agent.tell({ do: 'sandbox', spec: plain(aSandbox('lost')) })
    await agent.tell({ do: 'create', spec: aContainer(place, 'lost', ['sleep', '1000']) })
    const record = JSON.parse(readFileSync(path.join(place.stateDirectory, 'pods/lost/.sandbox/0/record.json'), 'utf8')) as { holder: { pid: number } }
    await agent.kill()
    process.kill(record.holder.pid, 'SIGKILL')
    await until('it to be gone', () => !isAlive(record.holder.pid))
    agent = await startAgent(place)
    expect((await agent.containers()).filter(({ podUid }) => podUid === 'lost')).toEqual([])
    expect(await agent.tell({ do: 'sandbox', spec: plain(aSandbox('lost', { attempt: 1 })) })).toMatchObject({ ready: true, attempt: 1 })
    await agent.tell({ do: 'removeSandbox', podUid: 'lost' })
  })

  describe('check 13: killed just after a step was written down or taken', () => {
    const inAttempt = (uid: string, file: string): string => path.join(place.stateDirectory, 'pods', uid, 'main/0', file)
    const says = (uid: string, word: string): boolean => existsSync(inAttempt(uid, 'status')) && readFileSync(inAttempt(uid, 'status'), 'utf8').split('\n').includes(word)
    const steps: [string, (uid: string) => boolean, 'stays' | 'ends'][] = [
      ['the sandbox is written down', (uid) => existsSync(path.join(place.stateDirectory, 'pods', uid, '.sandbox/0/record.json')), 'stays'],
      ['the attempt is written down', (uid) => existsSync(inAttempt(uid, 'record.json')), 'stays'],
      ['it is forked, and in its cgroup', (uid) => nodePids(`besteffort/pod${uid}/main-0`).length > 0, 'stays'],
      ['it is armed', (uid) => says(uid, 'armed'), 'stays'],
      ['its identity is written down', (uid) => existsSync(inAttempt(uid, 'identity.json')), 'stays'],
      ['its start is written down', (uid) => existsSync(inAttempt(uid, 'start.json')), 'stays'],
      ['it was told to go', (uid) => says(uid, 'go'), 'stays'],
      ['it has ended', (uid) => existsSync(inAttempt(uid, 'exit')) && readFileSync(inAttempt(uid, 'exit'), 'utf8') !== '', 'ends'],
      ['its end is written down', (uid) => existsSync(inAttempt(uid, 'end.json')), 'ends'],
    ]
    test.each(steps)('%s: exactly one process afterwards, or its end', async (what, reached, kind) => {
      for (let round = 0; round < (full ? 20 : 1); round++) {
        const uid = `step-${steps.findIndex(([name]) => name === what)}-${round}`
        const mark = path.join(place.scratch, uid)
        // What it does once it does, so that a second start would be seen.
        const spec = aContainer(place, uid, ['sh', '-c', `echo begun >> ${path.join('/scratch', uid)}; ${kind === 'stays' ? 'exec sleep 1000' : 'exit 3'}`], { mounts: [{ hostPath: place.scratch, containerPath: '/scratch', readOnly: false, propagation: 'private' }] })
        let over = false
        const launching = agent.tell({ do: 'sandbox', spec: plain(aSandbox(uid)) }).then(() => agent.tell({ do: 'launch', spec })).catch(() => {}).finally(() => { over = kind === 'stays' })
        while (!reached(uid) && !over) await new Promise((resolve) => { setImmediate(resolve) })
        expect(reached(uid)).toBe(true)
        await agent.kill()
        await launching
        agent = await startAgent(place)
        const find = async () => (await agent.containers()).find(({ podUid }) => podUid === uid)
        const state = await find()
        if (kind === 'ends') expect(state).toMatchObject({ state: 'exited', exitCode: 3 })
        else if (!state || state.state === 'created') {
          await agent.tell({ do: 'sandbox', spec: plain(aSandbox(uid)) })
          await agent.tell({ do: 'launch', spec })
        }
        await until(`${uid}: one process, or none`, () => nodePids(`besteffort/pod${uid}/main-0`).length === (kind === 'stays' ? 1 : 0), 60_000)
        await until(`${uid}: as many shims`, () => nodePids('shims').length === (kind === 'stays' ? 1 : 0), 60_000)
        await until('its mark', () => existsSync(mark) && readFileSync(mark, 'utf8') !== '')
        expect(readFileSync(mark, 'utf8')).toBe('begun\n')
        await agent.tell({ do: 'removeSandbox', podUid: uid })
        expect(nodePids()).toEqual([])
      }
    }, 180_000)
  })

  test('check 13: killed at any moment of a launch: exactly one process afterwards, or none', async () => {
    const outcomes = new Map<string, number>()
    const rounds = full ? 200 : 10
    await restart()
    const begun = performance.now()
    await agent.tell({ do: 'sandbox', spec: plain(aSandbox('measured')) })
    await agent.tell({ do: 'launch', spec: aContainer(place, 'measured', ['sleep', '1000']) })
    const whole = performance.now() - begun
    await agent.tell({ do: 'removeSandbox', podUid: 'measured' })
    await restart()
    // More of them, and later ones, where the machine has become slower since it was measured.
    for (let round = 0; round < rounds || (outcomes.size < 2 && round < 4 * rounds); round++) {
      const uid = `mid-${round}`
      const spec = aContainer(place, uid, ['sleep', '1000'])
      await Promise.all([
        agent.tell({ do: 'sandbox', spec: plain(aSandbox(uid)) }).then(() => agent.tell({ do: 'create', spec })).then(() => agent.tell({ do: 'start', spec })).catch(() => {}),
        new Promise((resolve) => { setTimeout(resolve, (round / rounds) * whole * 1.5) }).then(() => agent.kill()),
      ])
      agent = await startAgent(place)
      const states = (await agent.containers()).filter(({ podUid }) => podUid === uid)
      expect(states.length).toBeLessThanOrEqual(1)
      const [state] = states
      outcomes.set(state?.state ?? 'none', (outcomes.get(state?.state ?? 'none') ?? 0) + 1)
      // What had been started before the agent noticed its death may still be on its way to ending itself.
      await until(`round ${round}: processes of the container to be those that are known`, () => nodePids(`besteffort/pod${uid}/main-0`).length === (state ? 1 : 0), 60_000)
      await until(`round ${round}: shims to be those that are known`, () => nodePids('shims').length === (state ? 1 : 0), 60_000)
      if (!state || state.state === 'created') {
        await agent.tell({ do: 'sandbox', spec: plain(aSandbox(uid)) })
        await agent.tell({ do: 'launch', spec })
      }
      expect(nodePids(`besteffort/pod${uid}/main-0`)).toHaveLength(1)
      await agent.tell({ do: 'removeSandbox', podUid: uid })
      expect(nodePids()).toEqual([])
      expect(existsSync(path.join(place.stateDirectory, 'pods', uid))).toBe(false)
    }
    // Kills came early, late and in between, or this test has shown nothing.
    expect([...outcomes.keys()].length).toBeGreaterThanOrEqual(2)
  })
})
