/** What befalls a machine: a full disk under the kubelet's files, a disk that is read-only, no more processes, no more open files. The kubelet says so, lives, and goes on when it is over, without being started anew. */
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { Events, Pods } from '../../src/api/kinds.ts'
import type { Pod } from '../../src/api/types.ts'
import { isReady, type KubeletNode, shell, startKubeletNode } from '../support/kubelet-node.ts'
import { isRoot, leavePlace, type NodePlace, until } from '../support/runtime-node.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

const mount = (size: string, directory: string): void => { mkdirSync(directory, { recursive: true }); execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=755`, 'wherry-faults-test', directory]) }
const restarts = ({ status }: Pod): number => status.containerStatuses?.[0]?.restartCount ?? 0

sayWhatIsSkipped('kubelet-faults.test.ts', !isRoot, 'containers of real processes need root')

describe.runIf(isRoot)('a kubelet on a machine that fails', () => {
  let node: KubeletNode | undefined
  let mounted: string[] = []
  const start = async (mounts: (place: NodePlace) => readonly string[]): Promise<KubeletNode> => {
    node = await startKubeletNode({ prepare: (place) => { for (const directory of mounts(place)) { mount('24m', directory); mounted.unshift(directory) } } })
    return node
  }
  afterEach(async () => {
    // The scratch directory cannot go while something is mounted there.
    await Promise.resolve(node?.[Symbol.asyncDispose]()).catch((error: NodeJS.ErrnoException) => { if (!/busy/i.test(error.message)) throw error })
    // Some of them the node has taken away with its own mounts.
    for (const directory of mounted) try { execFileSync('umount', ['--lazy', directory], { stdio: 'ignore' }) } catch { /* not mounted any more */ }
    if (node) leavePlace(node.place)
    mounted = []
    node = undefined
  })
  const messagesOf = async ({ client }: KubeletNode, name: string): Promise<string> => (await client.list(Events, { namespace: 'default' })).items.filter(({ involvedObject }) => involvedObject.name === name).map(({ reason, message }) => `${reason ?? ''}: ${message ?? ''}`).join('\n')
  const runs = async ({ client }: KubeletNode): Promise<boolean> => isReady(await client.get(Pods, { name: 'during', namespace: 'default' }))
  const probed = { command: shell('while :; do sleep 1; done'), readinessProbe: { exec: { command: ['test', '!', '-e', '/tmp/sick'] }, periodSeconds: 1, failureThreshold: 1 } }
  const fill = (directory: string): (() => void) => {
    const ballast = path.join(directory, 'ballast')
    try { writeFileSync(ballast, Buffer.alloc(64 << 20)) } catch { /* it is full now, which was the purpose */ }
    return () => { rmSync(ballast) }
  }

  test.each<[string, (place: NodePlace) => readonly string[]]>([
    ['the kubelet\'s own directory: volumes, logs, records', (place) => [path.join(place.scratch, 'kubelet')]],
    ['the layers of containers', (place) => [place.dataDirectory]],
    ['the state of running things', (place) => [place.stateDirectory]],
  ])('a full disk under %s', async (_, mounts) => {
    const kubelet = await start(mounts)
    await kubelet.create('before', { container: probed })
    await kubelet.create('dies', { container: { command: shell('sleep 1; exit 1') } })
    await kubelet.untilPod('before', 'is ready', isReady)
    const free = fill(mounted[0] ?? '')
    await kubelet.create('during', { container: { command: shell('echo said; sleep 1000') }, spec: { volumes: [{ name: 'c', emptyDir: {} }] } })
    // Probes go on, and what they find is told.
    await kubelet.exec(await kubelet.client.get(Pods, { name: 'before', namespace: 'default' }), 'touch /tmp/sick').catch(() => {}) // needs room itself
    await until('something is said, or runs all the same', async () => /No space left|ENOSPC|no space/i.test(`${await messagesOf(kubelet, 'during')}${await messagesOf(kubelet, 'dies')}${kubelet.said().join('\n')}`) || isReady(await kubelet.client.get(Pods, { name: 'during', namespace: 'default' })))
    const during = await messagesOf(kubelet, 'during')
    free()
    await kubelet.untilPod('during', 'runs once there is room', isReady)
    const before = await kubelet.client.get(Pods, { name: 'before', namespace: 'default' })
    expect(restarts(before)).toBe(0)
    const count = restarts(await kubelet.client.get(Pods, { name: 'dies', namespace: 'default' }))
    await kubelet.untilPod('dies', 'is restarted', (pod) => restarts(pod) > count || pod.status.containerStatuses?.[0]?.state?.waiting?.reason === 'CrashLoopBackOff')
    await kubelet.client.delete(Pods, { name: 'before', namespace: 'default' }, { gracePeriodSeconds: 0 })
    await until('it goes', async () => (await kubelet.client.list(Pods, { namespace: 'default' })).items.every(({ metadata }) => metadata.name !== 'before'))
    console.log(`full disk: ${during.split('\n').at(-1) ?? ''}`)
  }, 120_000)

  // Node says ENOENT of a directory that it cannot make there; its name is in the message all the same.
  test('volumes on a file system that has become read-only: the pod waits and says so, and runs when it can be written again', async () => {
    const kubelet = await start((place) => [path.join(place.scratch, 'kubelet/pods')])
    await kubelet.create('before', { container: probed })
    await kubelet.untilPod('before', 'is ready', isReady)
    const [disk = ''] = mounted
    execFileSync('mount', ['-o', 'remount,ro', disk])
    await kubelet.create('during', { container: { command: shell('sleep 1000'), volumeMounts: [{ name: 'e', mountPath: '/e' }] }, spec: { volumes: [{ name: 'e', emptyDir: {} }] } })
    await until('it is said', async () => /FailedMount: .*(EROFS|ENOENT|ead-only)/.test(await messagesOf(kubelet, 'during'))).catch(async (error: unknown) => { throw new Error(`${String(error)}\n${await messagesOf(kubelet, 'during')}\n${kubelet.said().join('\n')}`) })
    await kubelet.client.create(Pods, { metadata: { name: 'without', namespace: 'default' }, spec: { nodeName: 'node-1', terminationGracePeriodSeconds: 0, automountServiceAccountToken: false, containers: [{ name: 'main', image: 'host', command: ['sleep', '1000'] }] } } as never)
    await kubelet.untilPod('before', 'is probed still', isReady)
    execFileSync('mount', ['-o', 'remount,rw', disk])
    await kubelet.untilPod('during', 'runs', isReady)
    expect(restarts(await kubelet.untilPod('before', 'is ready', isReady))).toBe(0)
  }, 120_000)

  /** Sets the soft limit of this process, in which the kubelet runs; what takes it back is started before, for then nothing can be started any more. */
  const limitFiles = (most: number): (() => Promise<void>) => {
    const [self, usual] = [String(process.pid), execFileSync('prlimit', ['--pid', String(process.pid), '--nofile', '--noheadings', '--output=SOFT'], { encoding: 'utf8' }).trim()]
    const waiting = spawn('sh', ['-c', 'read -r line; exec prlimit --pid "$1" --nofile="$2:"', 'sh', self, usual], { stdio: ['pipe', 'ignore', 'inherit'] })
    const back = new Promise<void>((resolve) => { waiting.once('exit', () => { resolve() }) })
    execFileSync('prlimit', ['--pid', self, `--nofile=${most}:`])
    return () => { waiting.stdin.end('now\n'); return back }
  }

  test('no more open files: what needs some waits and is told of, what runs is probed, and it is over when it is over', async () => {
    const kubelet = await start(() => [])
    await kubelet.create('before', { container: { ...probed, readinessProbe: { exec: { command: ['true'] }, periodSeconds: 1 } } })
    await kubelet.untilPod('before', 'is ready', isReady)
    const restore = limitFiles(readdirSync('/proc/self/fd').length + 4)
    try {
      await kubelet.create('during', { container: { command: shell('sleep 1000') } })
      await until('it is said, or runs all the same', async () => /EMFILE|too many open files/i.test(`${await messagesOf(kubelet, 'during')}${kubelet.said().join('\n')}`) || await runs(kubelet))
    } finally { await restore() }
    await kubelet.untilPod('during', 'runs', isReady)
    expect(restarts(await kubelet.untilPod('before', 'is ready', isReady))).toBe(0)
  }, 120_000)

  test('no more processes: the same', async () => {
    const root = ['/sys/fs/cgroup/pids', '/sys/fs/cgroup'].find((each) => existsSync(path.join(each, 'cgroup.procs'))) ?? ''
    const group = path.join(root, `wherry-faults-${process.pid}`)
    const home = path.join(root, readFileSync('/proc/self/cgroup', 'utf8').split('\n').map((line) => line.split(':')).find(([, controllers]) => (root.endsWith('pids') ? controllers === 'pids' : controllers === ''))?.[2] ?? '')
    const kubelet = await start(() => [])
    await kubelet.create('before', { container: probed })
    await kubelet.untilPod('before', 'is ready', isReady)
    mkdirSync(group)
    try {
      writeFileSync(path.join(group, 'cgroup.procs'), String(process.pid))
      writeFileSync(path.join(group, 'pids.max'), readFileSync(path.join(group, 'pids.current'), 'utf8').trim())
      await kubelet.create('during', { container: { command: shell('sleep 1000') } })
      await until('it is said, or runs all the same', async () => /EAGAIN|temporarily unavailable|not done after/i.test(`${await messagesOf(kubelet, 'during')}${kubelet.said().join('\n')}`) || await runs(kubelet))
    } finally {
      writeFileSync(path.join(group, 'pids.max'), 'max')
      writeFileSync(path.join(home, 'cgroup.procs'), String(process.pid))
    }
    await kubelet.untilPod('during', 'runs', isReady)
    expect(restarts(await kubelet.untilPod('before', 'is ready', isReady))).toBe(0)
    await until('nobody is left there', () => { try { rmdirSync(group); return true } catch { return false } }, 10_000).catch(() => { console.log(`processes of the test stay in ${group}`) })
  }, 120_000)
})
