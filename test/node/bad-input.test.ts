/** What people get wrong, and what a machine can be without: each says what it is, what to do about it, and ends with the right code. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { execa } from 'execa'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { homeAt } from '../../src/cluster/home.ts'
import { entry, isRoot } from '../support/cluster.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

sayWhatIsSkipped('bad-input.test.ts')

let directory: string
const namespace = `whbad${process.pid}`
const children: ChildProcess[] = []
beforeEach(async () => { directory = await mkdtemp(path.join(tmpdir(), 'wherry-bad-')) })
afterEach(async () => {
  // Whatever was refused, it left nothing where running clusters have their files.
  expect(existsSync(homeAt(path.join(directory, 'data')).run)).toBe(false)
  await rm(directory, { recursive: true, force: true })
})

interface Ended { exitCode: number | undefined; text: string }
/** The command; `before` are the words in front of it. */
const wherry = async (args: readonly string[], before: readonly string[] = []): Promise<Ended> => {
  const [program = '', ...rest] = [...before, process.execPath, entry, '--data-dir', path.join(directory, 'data'), ...args]
  const { exitCode, stdout, stderr } = await execa(program, rest, { reject: false, stdin: 'ignore', timeout: 60_000, forceKillAfterDelay: 1000 })
  return { exitCode, text: `${stdout}${stderr}` }
}
const data = async (name: string, text: string): Promise<void> => {
  await mkdir(path.join(directory, 'data'), { recursive: true })
  await writeFile(path.join(directory, 'data', name), text)
}
const manifest = async (text: string): Promise<string> => {
  const file = path.join(directory, 'mine.yaml')
  await writeFile(file, text)
  return file
}

describe('commands', () => {
  test.each<[string, string[], number, RegExp]>([
    ['an unknown command', ['fly'], 1, /^error: unknown command 'fly'\n\(see: wherry --help\)$/],
    ['a command with a letter too few', ['imge', 'list'], 1, /unknown command 'imge'\n\(Did you mean image\?\)/],
    ['a command with two letters exchanged', ['dwon'], 1, /unknown command 'dwon'\n\(Did you mean down\?\)/],
    ['a word too many for the dashboard', ['ui', 'fast'], 1, /too many arguments for 'ui'/],
    ['a context that there is not', ['ui', '--kubeconfig', path.join(import.meta.dirname, 'nobody.kubeconfig'), '--context', 'nope'], 1, /^wherry: context "nope" does not exist \(known contexts: nobody\)$/],
    ['a kubeconfig that there is not', ['ui', '--kubeconfig', '/nowhere/config'], 1, /^wherry: no kubeconfig at \/nowhere\/config: /],
    ['a cluster that does not answer', ['ui', '--kubeconfig', path.join(import.meta.dirname, 'nobody.kubeconfig')], 1, /^wherry: cannot reach http:\/\/127\.45\.67\.89:9: .*ECONNREFUSED.*start it with: wherry up$/],
    ['the help of a component', ['kubelet', '--help'], 0, /^wherry kubelet: one component, in the foreground\nflags: --kubeconfig /],
    ['a data directory where none can be made', ['--data-dir', '/proc/wherry', 'up', '--detach'], 1, /cannot make the data directory \/proc\/wherry: ENOENT/],
    ['a data directory that is a file', ['--data-dir', '/etc/passwd', 'up', '--detach'], 1, /cannot read \/etc\/passwd\/cluster\.json: ENOTDIR/],
    ['an unknown flag', ['up', '--fast'], 1, /unknown option '--fast'[^]*wherry --help/],
    ['a number that is none', ['up', '--nodes', 'many'], 1, /a number from 1 to 20 is expected/],
    ['a range that is none', ['up', '--pod-cidr', 'wide'], 1, /an IPv4 range such as 10\.244\.0\.0\/16 is expected/],
    ['two things that exclude each other', ['up', '--single', '--nodes', '3'], 2, /--single runs one node in one process/],
    ['down without a cluster', ['down'], 1, /there is no cluster in /],
    ['a file that is not there', ['up', '-f', '/nowhere/mine.yaml'], 1, /cannot read \/nowhere\/mine\.yaml: ENOENT/],
    ['a component\'s unknown flag', ['kube-proxy', '--quick=1'], 2, /kube-proxy: Unknown option '--quick'/],
    ['a proxy mode that there is not', ['kube-proxy', '--proxy-mode=ipvs'], 2, /proxy mode "ipvs" is not supported/],
  ])('%s', async (_, args, exitCode, pattern) => {
    const ended = await wherry(args)
    expect(ended.text).toMatch(pattern)
    expect(ended.exitCode).toBe(exitCode)
    expect(ended.text).not.toContain('    at ')
  })
})

describe('manifests and data directories', () => {
  test.each<[string, string, RegExp]>([
    ['wrong YAML', 'apiVersion: v1\nkind: Pod\nmetadata: { name: a\nspec: {}\n', /mine\.yaml: [^]*line [34]/],
    ['a tab', 'apiVersion: v1\nkind: Pod\nmetadata:\n\tname: a\n', /mine\.yaml: [^]*line 4/],
    ['no object', 'just words\n', /mine\.yaml: a Kubernetes object is expected, not string/],
    ['a list', '- a\n- b\n', /mine\.yaml: a Kubernetes object is expected, not a list/],
  ])('%s is found before anything starts', async (_, text, pattern) => {
    const ended = await wherry(['up', '--detach', '-f', await manifest(text)])
    expect(ended.text).toMatch(pattern)
    expect(ended.exitCode).toBe(1)
  })

  test.each<[string, string, RegExp]>([
    ['another version', '{"version": 99, "nodes": []}', /has layout version 99; this Wherry reads version \d+.*--delete-data/],
    ['damaged', '{"version": 1, "no', /cluster\.json is damaged .*--delete-data/],
  ])('a data directory: %s', async (_, text, pattern) => {
    await data('cluster.json', text)
    const ended = await wherry(['up', '--detach', '--isolated'])
    expect(ended.text).toMatch(pattern)
    expect(ended.exitCode).toBe(1)
    // Nothing of it was touched.
    expect(await readFile(path.join(directory, 'data/cluster.json'), 'utf8')).toBe(text)
  })
})

describe.runIf(isRoot)('machines', () => {
  const inNamespace = ['ip', 'netns', 'exec', namespace]
  beforeAll(async () => {
    await execa('ip', ['netns', 'add', namespace])
    await execa('ip', ['-n', namespace, 'link', 'set', 'lo', 'up'])
  })
  afterEach(() => { for (const child of children.splice(0)) child.kill('SIGKILL') })
  afterAll(async () => { await execa('ip', ['netns', 'delete', namespace], { reject: false }) })

  test('a port in use: by whom, and what to do', async () => {
    const listener = spawn('ip', ['netns', 'exec', namespace, 'perl', '-MIO::Socket::INET', '-e', '$| = 1; my $l = IO::Socket::INET->new(LocalPort => 6443, Listen => 5) or die $!; print "ready\\n"; sleep 1000'], { stdio: ['ignore', 'pipe', 'inherit'] })
    children.push(listener)
    await new Promise((resolve) => { listener.stdout.once('data', resolve) })
    const ended = await wherry(['up', '--detach'], inNamespace)
    expect(ended.text).toMatch(/port 6443 \(API server\) is in use by perl \(pid \d+\)\s+end that program, or start with --isolated/)
    expect(ended.exitCode).toBe(1)
  })

  test('chains of another Kubernetes: named, and left as they are', async () => {
    const iptables = (...args: string[]) => execa('ip', ['netns', 'exec', namespace, 'iptables', '-t', 'nat', ...args])
    await iptables('-N', 'KUBE-SERVICES')
    await iptables('-A', 'PREROUTING', '-j', 'KUBE-SERVICES')
    const before = (await execa('ip', ['netns', 'exec', namespace, 'iptables-save', '-t', 'nat'])).stdout.replaceAll(/^#.*$/gm, '')
    const ended = await wherry(['up', '--detach'], inNamespace)
    expect(ended.text).toMatch(/another Kubernetes owns iptables chains here \(KUBE-SERVICES\)\s+stop it and remove its chains, or start with --isolated/)
    expect(ended.exitCode).toBe(1)
    expect((await execa('ip', ['netns', 'exec', namespace, 'iptables-save', '-t', 'nat'])).stdout.replaceAll(/^#.*$/gm, '')).toBe(before)
    await iptables('-F', 'PREROUTING')
    await iptables('-X', 'KUBE-SERVICES')
  })

  test('ranges that are in use', async () => {
    await execa('ip', ['-n', namespace, 'route', 'add', '10.244.7.0/24', 'dev', 'lo'])
    const ended = await wherry(['up', '--detach'], inNamespace)
    expect(ended.text).toMatch(/the pod range 10\.244\.0\.0\/16 overlaps the route 10\.244\.7\.0\/24 dev lo\s+choose another with --pod-cidr/)
    expect(ended.exitCode).toBe(1)
    await execa('ip', ['-n', namespace, 'route', 'del', '10.244.7.0/24', 'dev', 'lo'])
  })

  test('no iptables', async () => {
    // A mount namespace in which the folder of system programs is the same but for them.
    const hide = 'mkdir "$1/real" "$1/fake"; mount --bind /usr/sbin "$1/real" && ln -s "$1"/real/* "$1/fake/" && rm "$1"/fake/*tables* && mount --bind "$1/fake" /usr/sbin && shift && exec "$@"'
    const ended = await wherry(['up', '--detach', '--isolated'], ['unshare', '--mount', 'sh', '-c', hide, 'sh', directory])
    expect(ended.text).toMatch(/missing programs: iptables, iptables-restore, iptables-save\s+run: npm run setup/)
    expect(ended.exitCode).toBe(1)
  })

  test('not root', async () => {
    const { exitCode } = await execa('setpriv', ['--reuid', '65534', '--clear-groups', process.execPath, '--version'], { reject: false })
    if (exitCode !== 0) { console.log('SKIPPED bad-input.test.ts, not root: another user may not run this copy of Node'); return }
    const asNobody = ['setpriv', '--reuid', '65534', '--clear-groups']
    const foreign = await wherry(['up', '--detach'], asNobody)
    expect([foreign.exitCode, foreign.text]).toEqual([1, expect.stringMatching(/belongs to another user, and Wherry needs root here: run the command with sudo/)])
    await chmod(directory, 0o755)
    const ended = await wherry(['up', '--detach'], asNobody)
    // Without root the cluster would be the user's own (rootless.test.ts), if there were a place for its data.
    expect([ended.exitCode, ended.text]).toEqual([1, expect.stringMatching(/cannot make the data directory .*\/data: EACCES: permission denied/)])
  })
})
