/** Real kubectl, and the client library for JavaScript, against a real cluster: logs, exec, attach, cp, run, debug, top, a terminal, ports and proxies. */
import { spawn as spawnOnTerminal } from '@lydell/node-pty'
import { execa } from 'execa'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kubectlPath } from '../support/clients.ts'
import { isRoot, startTestCluster, type TestCluster, until } from '../support/cluster.ts'
import { clientNodeCases } from './client-node.ts'
import { hostileCopyCases } from './copying.ts'
import { counting, type Folder, folder } from './manifests.ts'
import { portForwardingCases, servers } from './port-forwarding.ts'
import { masked } from './transcript.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

sayWhatIsSkipped('kubectl-streams.test.ts')

const pods = `apiVersion: v1
kind: Pod
metadata: {name: two, labels: {app: talk}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - {name: counter, image: host, command: [sh, -c, "${counting}"]}
    - {name: reader, image: host, stdin: true, command: [sh, -c, "trap 'exit 0' TERM; echo ready; while read -r line; do echo got $line; done; sleep 1000 & wait"]}
---
apiVersion: v1
kind: Pod
metadata: {name: fails, labels: {app: fails}}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{name: c, image: host, command: [sh, -c, "echo attempt >> /tmp/attempts; echo out; echo error >&2; exit 3"]}]
`

describe.runIf(isRoot)('streams', () => {
  let cluster: TestCluster
  let files: Folder
  let kubectl = ''

  beforeAll(async () => {
    files = await folder()
    kubectl = await kubectlPath()
    cluster = await startTestCluster()
    await cluster.kubectl(['apply', '-f', await files.write('pods.yaml', `${pods}---\n${servers}`)])
    await cluster.kubectl(['wait', '--for=condition=Ready', 'pod/two', '--timeout=30s'])
  })
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]()
    await files?.[Symbol.asyncDispose]()
  })

  /** kubectl with what it says in order, until `enough` of it has been said or it ends. */
  const listen = async (args: readonly string[], enough: RegExp): Promise<string> => {
    const running = execa(kubectl, ['--kubeconfig', cluster.kubeconfig, ...args], { reject: false, all: true, timeout: 20_000, stdin: 'ignore' })
    let said = ''
    running.all.on('data', (chunk: Buffer) => { said += chunk.toString(); if (enough.test(said)) running.kill() })
    await running
    expect(said).toMatch(enough)
    return said
  }

  /** kubectl on a terminal of 100 columns and 30 rows; what it shows, and its exit code. */
  const onTerminal = async (args: readonly string[], type: readonly { after: RegExp; keys: string }[]): Promise<{ screen: string; exitCode: number }> => {
    const terminal = spawnOnTerminal(kubectl, ['--kubeconfig', cluster.kubeconfig, ...args], { cols: 100, rows: 30, name: 'xterm-256color' })
    let screen = ''
    const waiting = [...type]
    terminal.onData((data) => {
      screen += data
      const next = waiting[0]
      if (next?.after.test(screen)) { waiting.shift(); terminal.write(next.keys) }
    })
    const ended = new Promise<number>((resolve) => { terminal.onExit(({ exitCode }) => resolve(exitCode)) })
    const late = setTimeout(() => terminal.kill(), 60_000)
    const exitCode = await ended
    clearTimeout(late)
    return { screen: screen.replaceAll('\r\n', '\n'), exitCode }
  }

  describe('logs', () => {
    test('follow', async () => expect(await listen(['logs', '-f', 'two', '-c', 'counter', '--tail=1'], /line \d+\nline \d+\nline \d+\n/)).not.toContain('starting'))
    test('from the beginning, and a default container', async () => expect(await listen(['logs', 'two'], /starting/)).toMatch(/^Defaulted container "counter" out of: counter, reader\nstarting\nline 1\n/))
    test('tail, limit', async () => {
      expect((await cluster.kubectl(['logs', 'two', '-c', 'counter', '--tail=2'])).split('\n')).toHaveLength(2)
      expect(await cluster.kubectl(['logs', 'two', '-c', 'counter', '--limit-bytes=12'])).toBe('starting\nlin')
    })
    test('since, with times', async () => {
      await cluster.until('it has talked for three seconds', async () => (await cluster.kubectl(['logs', 'two', '-c', 'counter'])).includes('line 4'))
      const lines = (await cluster.kubectl(['logs', 'two', '-c', 'counter', '--since=2s', '--timestamps'])).split('\n')
      expect(lines.length).toBeLessThanOrEqual(3)
      for (const line of lines) expect(masked(line)).toMatch(/^<time> line \d+$/)
    })
    test('of all containers, of a label, with names', async () => {
      const lines = (await cluster.kubectl(['logs', '-l', 'app=talk', '--all-containers', '--prefix', '--tail=1'])).split('\n').toSorted()
      expect(lines).toEqual([expect.stringMatching(/^\[pod\/two\/counter\] line \d+$/), '[pod/two/reader] ready'])
    })
    test('previous', async () => {
      await cluster.until('it has failed twice', async () => Number(await cluster.kubectl(['get', 'pod', 'fails', '-o', 'jsonpath={.status.containerStatuses[0].restartCount}'])) >= 1)
      expect((await cluster.kubectl(['logs', 'fails', '--previous'])).split('\n').toSorted()).toEqual(['error', 'out'])
      expect(masked(await cluster.kubectl(['get', 'pod', 'fails']))).toMatch(/^NAME {2}READY {2}STATUS {2}RESTARTS {2}AGE\nfails {2}0\/1 {2}(CrashLoopBackOff|Error) {2}\d+( \(<age> ago\))? {2}<age>$/)
      expect(await cluster.kubectl(['describe', 'pod', 'fails'])).toMatch(/Last State: +Terminated\n +Reason: +Error\n +Exit Code: +3\n/)
      await cluster.until('the event', async () => /Warning +BackOff +\S+.*kubelet +.*Back-off restarting failed container c in pod fails_default\(/.test(await cluster.kubectl(['describe', 'pod', 'fails'])))
    })
    test.each<[string, string[], string]>([
      ['no such container', ['logs', 'two', '-c', 'nope'], 'error: container nope is not valid for pod two out of: counter, reader'],
      ['never restarted', ['logs', 'two', '-c', 'counter', '--previous'], 'Error from server (BadRequest): previous terminated container "counter" in pod "two" not found'],
      ['no such pod', ['logs', 'nope'], 'error: error from server (NotFound): pods "nope" not found in namespace "default"'],
    ])('%s', async (_, args, stderr) => expect(await cluster.tryKubectl(args)).toMatchObject({ exitCode: 1, stderr }))
  })

  describe('exec', () => {
    // The command comes in the address: upstream's "executing a very long command in the container".
    test('a very long command', async () => expect(await cluster.tryKubectl(['exec', 'two', '-c', 'counter', '--', 'echo', 'a'.repeat(100_000)])).toMatchObject({ exitCode: 0, stdout: 'a'.repeat(100_000) }))
    test('both streams and the exit code', async () => expect(await cluster.tryKubectl(['exec', 'two', '-c', 'counter', '--', 'sh', '-c', 'echo out; echo err >&2; exit 7']))
      .toEqual({ exitCode: 7, stdout: 'out', stderr: 'err\ncommand terminated with exit code 7' }))
    test('standard input', async () => expect(await cluster.kubectl(['exec', '-i', 'two', '-c', 'counter', '--', 'sort'], { input: 'b\na\n' })).toBe('a\nb'))
    test('megabytes through it, whole', async () => {
      const input = 'x'.repeat(1023).concat('\n').repeat(4096)
      expect(await cluster.kubectl(['exec', '-i', 'two', '-c', 'counter', '--', 'wc', '-c'], { input })).toBe(String(input.length))
      expect(await cluster.kubectl(['exec', 'two', '-c', 'counter', '--', 'sh', '-c', 'yes 0123456789abcde | head -c 4194304 | wc -c; yes 0123456789abcde | head -c 4194304'])).toHaveLength(4194304 + '4194304\n'.length - 1)
    })
    test('an older kubectl', async () => expect(await cluster.kubectl(['exec', '-i', 'two', '-c', 'counter', '--', 'cat'], { input: 'hello', version: '1.32' })).toBe('hello'))
    test('no such command', async () => expect(await cluster.tryKubectl(['exec', 'two', '-c', 'counter', '--', 'nothing-like-this'])).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/^error: Internal error occurred: .*exec: "nothing-like-this": executable file not found in \$PATH/) as string }))
    test('a terminal: its size, its kind, its exit code', async () => {
      // kubectl tells the size when the command runs already.
      const { screen, exitCode } = await onTerminal(['exec', '-it', 'two', '-c', 'counter', '--', 'sh', '-c', 'while [ "$(stty size)" = "0 0" ]; do sleep 0.05; done; stty size; echo $TERM; test -t 0 && echo interactive; exit 5'], [])
      expect(screen).toContain('30 100\nxterm\ninteractive\n')
      expect(screen).toContain('command terminated with exit code 5')
      expect(exitCode).toBe(5)
    })
    test('a shell that is typed into, interrupted, and left', async () => {
      const { screen, exitCode } = await onTerminal(['exec', '-it', 'two', '-c', 'counter', '--', 'env', 'PS1=> ', 'sh'], [
        { after: /> $/, keys: 'echo $((40+2))\r' }, { after: /42\r?\n> $/, keys: 'sleep 100\r' }, { after: /sleep 100\r\n/, keys: '\x03' }, { after: /\^C\r?\n[^]*> $/, keys: 'exit 0\r' },
      ])
      expect(screen).toMatch(/^> echo \$\(\(40\+2\)\)\n42\n> sleep 100\n\^C\n[^]*> exit 0\n/)
      expect(exitCode).toBe(0)
    })
  })

  test('attach: what is typed is read, what is said is heard', async () => {
    const attached = execa(kubectl, ['--kubeconfig', cluster.kubeconfig, 'attach', '-i', 'two', '-c', 'reader'], { reject: false, timeout: 90_000 })
    let said = ''
    attached.stdout.on('data', (chunk: Buffer) => { said += chunk.toString() })
    await until('the reader answers', () => { if (!said.includes('got one')) attached.stdin.write('one\n'); return Promise.resolve(said.includes('got one')) }, 60)
    attached.kill()
    await attached
    expect(await cluster.kubectl(['logs', 'two', '-c', 'reader'])).toMatch(/^ready\ngot one/)
  })

  test('cp both ways, files and folders', async () => {
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 251))
    const file = await files.write('up.bin', bytes.toString('latin1'))
    await cluster.kubectl(['cp', file, 'two:/tmp/up.bin', '-c', 'counter'])
    expect(await cluster.kubectl(['exec', 'two', '-c', 'counter', '--', 'sh', '-c', 'wc -c < /tmp/up.bin; mkdir -p /tmp/folder; echo inside > /tmp/folder/file'])).toBe(String((await readFile(file)).length))
    await cluster.kubectl(['cp', 'two:/tmp/up.bin', path.join(files.path, 'down.bin'), '-c', 'counter'])
    expect(await readFile(path.join(files.path, 'down.bin'))).toEqual(await readFile(file))
    await cluster.kubectl(['cp', 'two:/tmp/folder', path.join(files.path, 'folder'), '-c', 'counter'])
    expect(await readFile(path.join(files.path, 'folder', 'file'), 'utf8')).toBe('inside\n')
  })

  test('run: once, and interactively', async () => {
    expect(await cluster.kubectl(['run', 'once', '--image=host', '--restart=Never', '--', 'echo', 'hello'])).toBe('pod/once created')
    expect(await cluster.kubectl(['wait', '--for=jsonpath={.status.phase}=Succeeded', 'pod/once', '--timeout=20s'])).toBe('pod/once condition met')
    expect(await cluster.kubectl(['logs', 'once'])).toBe('hello')
    const { stdout } = await cluster.tryKubectl(['run', '-i', '--rm', 'piped', '--image=host', '--restart=Never', '--', 'sh', '-c', 'read -r line; echo "heard $line"'], { input: 'something\n' })
    expect(stdout).toMatch(/^heard something\n(?:.*\n)*pod "piped" deleted from default namespace$/)
    const { screen, exitCode } = await onTerminal(['run', '-it', '--rm', 'shell', '--image=host', '--restart=Never', '--env=PS1=$ ', '--', 'sh'], [{ after: /try pressing enter/, keys: '\r' }, { after: /\$ $/, keys: 'echo $((6*7)); exit\r' }])
    expect(screen).toMatch(/\n42\n/)
    expect(screen).toMatch(/pod "shell" deleted from default namespace\n$/)
    expect(exitCode).toBe(0)
  })

  test('debug: a container in the pod, and a pod on the node', async () => {
    expect(await cluster.kubectl(['debug', 'two', '--image=host', '--container=look', '--', 'sh', '-c', 'echo looked'])).toBe('')
    await cluster.until('the container has looked', async () => (await cluster.kubectl(['logs', 'two', '-c', 'look'])) === 'looked')
    expect(await cluster.kubectl(['get', 'pod', 'two', '-o', 'jsonpath={.status.ephemeralContainerStatuses[0].state.terminated.reason}'])).toBe('Completed')
    expect(masked(await cluster.kubectl(['debug', 'node/node-1', '--image=host', '--', 'ls', '/host']))).toBe('Creating debugging pod node-debugger-node-1-<id> with container debugger on node node-1.')
    await cluster.until('the debugger sees the node', async () => {
      const name = await cluster.kubectl(['get', 'pods', '-l', 'app.kubernetes.io/managed-by=kubectl-debug', '-o', 'jsonpath={.items[0].metadata.name}'])
      return /^etc$/m.test(await cluster.kubectl(['logs', name]))
    })
  })

  test('top', async () => {
    await cluster.until('the pod has been measured', async () => (await cluster.kubectl(['top', 'pod', 'two', '--containers', '--no-headers'])).split('\n').length === 2)
    expect((await cluster.kubectl(['top', 'pod', 'two', '--containers'])).split('\n').map((line) => line.trim())).toEqual([
      expect.stringMatching(/^POD +NAME +CPU\(cores\) +MEMORY\(bytes\)$/), expect.stringMatching(/^two +counter +\d+m +\d+Mi$/), expect.stringMatching(/^two +reader +\d+m +\d+Mi$/),
    ])
    expect(await cluster.kubectl(['top', 'pods', '-A', '--sort-by=memory'])).toMatch(/^NAMESPACE +NAME +CPU\(cores\) +MEMORY\(bytes\) *\nkube-system +kube-apiserver-node-1 +\d+m +\d+Mi/)
    expect(await cluster.kubectl(['top', 'nodes'])).toMatch(/^NAME +CPU\(cores\) +CPU\(%\) +MEMORY\(bytes\) +MEMORY\(%\) *\nnode-1 +\d+m +\d+% +\d+Mi +\d+% *$/)
    expect(await cluster.tryKubectl(['top', 'pod', 'nope'])).toMatchObject({ exitCode: 1, stderr: 'Error from server (NotFound): pods "nope" not found' })
  })

  describe('S11: cp with somebody hostile', () => hostileCopyCases(() => cluster))
  describe('ports and proxies', () => portForwardingCases(() => cluster))
  describe('@kubernetes/client-node', () => clientNodeCases(() => cluster))
})
