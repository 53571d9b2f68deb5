/** `wherry down`: the machine is as it was before `up`. */
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { execa } from 'execa'
import { describe, expect, test } from 'vitest'
import { bridgeName, chainNames } from '../../agents/kubelet/network/names.ts'
import { homeAt } from '../../src/cluster/home.ts'
import { kubectlPath } from '../support/clients.ts'
import { entry, isRoot } from '../support/cluster.ts'
import { type MachineState, machineState, tracesOf } from '../support/machine-state.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

sayWhatIsSkipped('down.test.ts')
const shop = path.resolve(import.meta.dirname, '../../manifests/examples/shop.yaml')

const isFree = (port: number): Promise<boolean> => new Promise((resolve) => {
  const server = createServer()
  server.once('error', () => resolve(false))
  server.listen(port, () => server.close(() => resolve(true)))
})
const needed = [6443, 10_250, 10_256, 10_257, 10_259]
/** Clusters that others run on this machine at this moment change what is compared. */
const othersRun = (state: MachineState): boolean => state.files.length > 0 || state.namespaces.length > 0 || state.cgroups.length > 0

describe.runIf(isRoot)('down', () => {
  const cycle = async (flags: readonly string[]): Promise<{ before: MachineState; during: MachineState; after: MachineState; marks: string[]; directory: string }> => {
    const directory = await mkdtemp(path.join(tmpdir(), 'wherry-down-'))
    const { clusterId } = homeAt(directory)
    const marks = [clusterId, directory, ...['node-1', 'node-2'].flatMap((node) => [bridgeName(clusterId, node), ...Object.values(chainNames(clusterId, node))])]
    const wherry = (...args: string[]) => execa(process.execPath, [entry, '--data-dir', directory, ...args], { stdin: 'ignore', timeout: 150_000 })
    const before = await machineState(marks)
    try {
      await wherry('up', '--detach', '--wait', '-f', shop, ...flags)
      const during = await machineState(marks)
      await wherry('down')
      const after = await machineState(marks)
      return { before, during, after, marks, directory }
    } finally {
      await wherry('down', '--delete-data')
    }
  }
  const judge = ({ before, during, after, marks, directory }: Awaited<ReturnType<typeof cycle>>, sorts: readonly (keyof MachineState)[]): void => {
    expect([...new Set(tracesOf(during, marks).map((line) => line.split(':')[0]))].toSorted(), 'what a running cluster is seen by').toEqual(expect.arrayContaining([...sorts].toSorted()))
    expect(tracesOf(after, marks)).toEqual([])
    // Chains of kube-proxy are one cluster's on a machine, this one's; the rest is compared where nobody else can have changed it.
    const ofKubeProxy = ({ rules }: MachineState): string[] => rules.filter((line) => line.includes('KUBE-'))
    expect(ofKubeProxy(after)).toEqual(ofKubeProxy(before))
    if (othersRun(before) || othersRun(after)) console.log('SKIPPED the exact comparison of down.test.ts: other clusters run on this machine; only what names this cluster was compared')
    else expect(after).toEqual(before)
    expect(existsSync(directory)).toBe(false)
  }

  test('a cluster in namespaces, two nodes', async () => {
    judge(await cycle(['--isolated', '--nodes', '2']), ['links', 'namespaces', 'cgroups', 'processes', 'files'])
  })

  test('a cluster on the machine itself', async ({ skip }) => {
    const taken = (await Promise.all(needed.map(async (port) => ((await isFree(port)) ? [] : [port])))).flat()
    const rules = (await execa('iptables-save')).stdout
    if (taken.length > 0 || rules.includes(':KUBE-SERVICES')) {
      console.log(`SKIPPED down.test.ts, a cluster on the machine itself: ${taken.length > 0 ? `ports in use: ${taken.join(', ')}` : 'another Kubernetes has its rules here'}`)
      skip()
    }
    const states = await cycle([])
    expect(states.during.rules.join('\n')).toContain('-A KUBE-SERVICES')
    judge(states, ['rules', 'links', 'cgroups', 'processes', 'files'])
  })

  test('objects stay for the next `up`, unless their deletion is asked for', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'wherry-down-'))
    const wherry = (...args: string[]) => execa(process.execPath, [entry, '--data-dir', directory, ...args], { stdin: 'ignore', timeout: 150_000 })
    try {
      const mark = path.join(directory, 'marks')
      await writeFile(path.join(directory, 'pod.yaml'), `
apiVersion: v1
kind: Pod
metadata: { name: polite }
spec:
  containers:
    - name: main
      image: host
      command: [sh, -c, 'trap "echo ended >>/mark/told; exit 0" TERM; while :; do sleep 0.1; done']
      lifecycle: { preStop: { exec: { command: [sh, -c, 'echo hook >>/mark/told'] } } }
      volumeMounts: [{ name: mark, mountPath: /mark }]
  volumes: [{ name: mark, hostPath: { path: ${mark}, type: DirectoryOrCreate } }]
`)
      await wherry('up', '--detach', '--wait', '--isolated', '-f', path.join(directory, 'pod.yaml'))
      const kubectl = ['--kubeconfig', path.join(directory, 'admin.kubeconfig'), 'wait', '--for=condition=Ready', 'pod/polite', '--timeout=60s']
      await execa(await kubectlPath('1.36'), kubectl)
      const { stderr } = await wherry('down')
      // Its hook first, then the signal, whatever else is said.
      expect(await readFile(path.join(mark, 'told'), 'utf8')).toBe('hook\nended\n')
      expect(stderr).toContain('its objects stay')
      expect(await readdir(path.join(directory, 'store'))).not.toEqual([])
      // Once more is no error: there is a cluster, it only does not run.
      expect((await wherry('down')).exitCode).toBe(0)
      await wherry('up', '--detach', '--wait')
      expect(JSON.parse((await wherry('status', '--json')).stdout)).toBeTruthy()
    } finally {
      await wherry('down', '--delete-data')
    }
    expect(existsSync(directory)).toBe(false)
  })
})
