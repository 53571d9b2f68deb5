/** A cluster of a user who is not root: up, pods, Services, DNS, logs, exec, healing, refusals by name, and down without a trace. */
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kubectlPath } from '../support/clients.ts'
import { asking, echoing, hearing, machineAddress, naming, otherAddress, outerNetwork, type OuterNetwork, saying } from '../support/outer-network.ts'
import { entry, type Ended, isRoot, until } from '../support/cluster.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

const user = 1000
const becomeUser = ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups', '--']

/** Root is needed to become somebody else; that somebody has to be able to read the program, and to make a namespace. */
const obstacle = (): string | undefined => {
  if (!isRoot) return 'becoming another user needs root'
  const run = (...args: string[]): boolean => spawnSync('setpriv', [...becomeUser.slice(1), ...args]).status === 0
  if (!run('test', '-r', entry) || !run('test', '-x', process.execPath)) return `user ${user} cannot read ${entry}`
  return run('unshare', '--user', '--map-root-user', '--mount', 'true') ? undefined : 'this kernel gives unprivileged users no namespaces'
}
const why = obstacle()
sayWhatIsSkipped('test/node/rootless.test.ts')
if (why !== undefined && isRoot) console.log(`SKIPPED test/node/rootless.test.ts: ${why}`)

const manifest = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - name: web
          image: host
          command: [perl, -MSocket, -e, '$|=1; socket(S,PF_INET,SOCK_STREAM,6); setsockopt(S,SOL_SOCKET,SO_REUSEADDR,1); bind(S,sockaddr_in(8000,INADDR_ANY)); listen(S,9); print "rootless-web listens\\n"; while (accept(C,S)) { sysread C,$_,4096; print C "HTTP/1.0 200 OK\\r\\n\\r\\nhello"; close C }']
          readinessProbe: { tcpSocket: { port: 8000 }, periodSeconds: 1 }
          resources: { requests: { cpu: 10m, memory: 8Mi } }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { type: LoadBalancer, selector: { app: web }, ports: [{ port: 80, targetPort: 8000, nodePort: 30800 }] }
---
apiVersion: v1
kind: Pod
metadata: { name: client }
spec:
  terminationGracePeriodSeconds: 0
  shareProcessNamespace: true
  containers: [{ name: client, image: host, command: [sleep, infinity] }, { name: other, image: host, command: [sleep, infinity] }]
---
apiVersion: v1
kind: Pod
metadata: { name: echo, labels: { app: echo } }
spec:
  terminationGracePeriodSeconds: 0
  containers: [{ name: c, image: host, command: ${JSON.stringify(echoing(9000))}, ports: [{ containerPort: 9000, hostPort: 9001, protocol: UDP }] }]
---
apiVersion: v1
kind: Service
metadata: { name: echo }
spec: { type: NodePort, selector: { app: echo }, ports: [{ port: 9000, nodePort: 30900, protocol: UDP }] }
---
apiVersion: v1
kind: Pod
metadata: { name: limited }
spec: { containers: [{ name: c, image: host, command: [sleep, infinity], resources: { limits: { memory: 64Mi } } }] }
---
apiVersion: v1
kind: Pod
metadata: { name: somebody }
spec: { securityContext: { runAsUser: 54321 }, containers: [{ name: c, image: host, command: [sleep, infinity] }] }
`

interface Container { name: string; restartCount: number; ready: boolean }
interface Shown { metadata: { name: string }; status: { phase: string; reason?: string; message?: string; containerStatuses?: Container[] } }

describe.skipIf(why !== undefined)('without root', () => {
  const home = mkdtempSync(path.join(tmpdir(), 'wherry-rootless-'))
  const data = path.join(home, 'data/wherry')
  const environment = { PATH: '/usr/bin:/bin', HOME: home, XDG_DATA_HOME: path.join(home, 'data'), XDG_RUNTIME_DIR: path.join(home, 'run') }
  let userNamespace = ''
  let outer: OuterNetwork
  const slirp = ['/usr/bin', '/bin'].some((folder) => existsSync(path.join(folder, 'slirp4netns'))) && existsSync('/dev/net/tun')
  if (!slirp && why === undefined) console.log('SKIPPED test/node/rootless.test.ts: the way out, which takes slirp4netns')

  const as = async (command: readonly string[], input?: string): Promise<Ended> => {
    // On a machine with a network of its own, whose names somebody there knows.
    const { exitCode, stdout, stderr } = await execa('nsenter', [`--net=${outer.machine}`, 'unshare', '--mount', 'sh', '-c', 'mount --bind "$1" /etc/resolv.conf && { [ ! -e "$2" ] || mount --bind "$2" /dev/net/tun; } && shift 2 && exec "$@"', 'sh', path.join(home, 'resolv.conf'), path.join(home, 'tun'), ...command], { cwd: home, env: environment, extendEnv: false, reject: false, timeout: 90_000, ...(input === undefined ? { stdin: 'ignore' as const } : { input }) })
    return { exitCode, stdout: stdout ?? '', stderr: stderr ?? '' }
  }
  const wherry = (...args: string[]): Promise<Ended> => as([...becomeUser, process.execPath, entry, ...args])
  const kubectl = async (...args: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await as([await kubectlPath('1.36'), `--kubeconfig=${path.join(data, 'admin.kubeconfig')}`, `--cache-dir=${path.join(home, 'cache')}`, ...args])
    if (exitCode !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`)
    return stdout
  }
  const pod = async (name: string): Promise<Shown> => JSON.parse(await kubectl('get', 'pod', name, '-o', 'json')) as Shown
  const webPod = async (): Promise<Shown> => (JSON.parse(await kubectl('get', 'pods', '-l', 'app=web', '-o', 'json')) as { items: Shown[] }).items[0] ?? expect.fail('no pod of web')
  const serverPort = (): number => Number(/127\.0\.0\.1:(\d+)/.exec(readFileSync(path.join(data, 'admin.kubeconfig'), 'utf8'))?.[1])
  const holder = (): number => (JSON.parse(readFileSync(path.join(data, 'rootless.json'), 'utf8')) as { pid: number }).pid

  /** Of this machine, in the cluster's user namespace. Any of them, and whatever else runs here, may be gone the next moment. */
  const isInside = (pid: number): boolean => { try { return readlinkSync(`/proc/${pid}/ns/user`) === userNamespace } catch { return false } }
  const processes = (): number[] => readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number)
  const inside = (): number[] => processes().filter(isInside)
  /** A file of a process; empty when it is gone. */
  const told = (pid: number, file: 'status' | 'cmdline' | 'environ'): string => { try { return readFileSync(`/proc/${pid}/${file}`, 'utf8') } catch { return '' } }
  const processesOf = (mark: string): number[] => inside().filter((pid) => told(pid, 'cmdline').startsWith(mark))

  beforeAll(async () => {
    outer = await outerNetwork()
    writeFileSync(path.join(home, 'resolv.conf'), `nameserver ${otherAddress}\n`)
    // As machines have it by default, whatever this one has.
    if (slirp) { await execa('mknod', ['-m', '0666', path.join(home, 'tun'), 'c', '10', '200']); chmodSync(path.join(home, 'tun'), 0o666) }
    for (const each of ['', 'data', 'run']) { mkdirSync(path.join(home, each), { recursive: true }); chownSync(path.join(home, each), user, user) }
    const { exitCode, stderr } = await wherry('up', '--detach', '--wait')
    expect(exitCode, stderr).toBe(0)
    userNamespace = readlinkSync(`/proc/${holder()}/ns/user`)
    expect((await as([await kubectlPath('1.36'), `--kubeconfig=${path.join(data, 'admin.kubeconfig')}`, 'apply', '-f', '-'], manifest)).exitCode).toBe(0)
  })
  afterAll(async () => {
    if (existsSync(path.join(data, 'cluster.json'))) await wherry('down', '--delete-data')
    await outer?.[Symbol.asyncDispose]()
    rmSync(home, { recursive: true, force: true })
  })

  test('everything of it is the user\'s own', async () => {
    expect(userNamespace).not.toBe(readlinkSync('/proc/self/ns/user'))
    const owners = inside().map((pid) => [pid, /^Uid:\s+(\d+)/m.exec(told(pid, 'status'))?.[1]] as const).filter(([pid]) => isInside(pid))
    expect(owners.length).toBeGreaterThan(5)
    expect(owners.filter(([, owner]) => owner !== String(user))).toEqual([])
    const { exitCode, stdout } = await wherry('status')
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(new RegExp(`API server https://127\\.0\\.0\\.1:${serverPort()}: ready`))
    expect(stdout).toMatch(/node node-1 .*: Ready, \d+ pods, kubelet kept by pid \d+/)
  })

  test('a pod finds a Service by its name; logs and exec', async () => {
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
    await kubectl('wait', '--for=condition=Ready', 'pod/client', '--timeout=60s')
    expect(await until('the Service answers', () => kubectl('exec', 'client', '-c', 'client', '--', 'perl', '-MIO::Socket::INET', '-e', '$s = IO::Socket::INET->new("web.default.svc.cluster.local:80") or die "no: $!"; print $s "GET / HTTP/1.0\\r\\n\\r\\n"; print <$s>'))).toContain('hello')
    expect(await kubectl('logs', 'deployment/web')).toBe('rootless-web listens')
    expect(await kubectl('exec', 'client', '-c', 'other', '--', 'sh', '-c', 'id -u; hostname; touch /etc/mine /usr/mine /root/mine 2>&1; ls /etc/mine')).toMatch(/^0\nclient\n/)
    await expect(kubectl('exec', 'client', '-c', 'client', '--', 'sh', '-c', 'exit 7')).rejects.toThrow('exit code 7')
    expect(existsSync('/etc/mine')).toBe(false)
  })

  test('node ports and host ports are the machine\'s, for whoever reaches it', async () => {
    for (const who of ['machine', 'other'] as const) {
      expect(await until('the node port answers', async () => (await outer.on(who, hearing(machineAddress, 30_800))).stdout)).toContain('hello')
      for (const port of [30_900, 9001]) expect(await until('UDP answers', async () => (await outer.on(who, asking('word', machineAddress, port))).stdout)).toBe('echo word')
    }
  })

  test('a port that the machine has given to somebody else: an event says so, and when it is free it is opened', async () => {
    const taken = await outer.serve('machine', saying('mine', machineAddress, 30_700))
    await kubectl('patch', 'service', 'web', '--type=json', '-p', JSON.stringify([{ op: 'add', path: '/spec/ports/0/nodePort', value: 30_700 }]))
    expect(await until('an event', async () => /.*PortNotOpen.*/.exec(await kubectl('get', 'events', '--field-selector=involvedObject.name=web,involvedObject.kind=Service'))?.[0])).toMatch(/Warning +PortNotOpen +service\/web +node port 30700\/TCP is not open on this machine: listen EADDRINUSE: address already in use 0\.0\.0\.0:30700/)
    expect((await outer.on('other', hearing(machineAddress, 30_800))).stderr).toContain('Connection refused')
    taken.kill('SIGKILL')
    expect(await until('the node port answers', async () => (await outer.on('other', hearing(machineAddress, 30_700))).stdout)).toContain('hello')
    await kubectl('patch', 'service', 'web', '--type=json', '-p', JSON.stringify([{ op: 'add', path: '/spec/ports/0/nodePort', value: 30_800 }]))
  })

  test.runIf(slirp)('the way out: other machines and their names, and not the loopback of this one', async () => {
    await outer.serve('other', saying('outside', otherAddress, 7000))
    await outer.serve('other', naming(otherAddress))
    await outer.serve('machine', saying('private', '127.0.0.1', 7001))
    const fromPod = (command: readonly string[]): Promise<string> => kubectl('exec', 'client', '-c', 'client', '--', ...command)
    expect(await until('the other answers', () => fromPod(hearing(otherAddress, 7000)))).toBe('outside')
    expect(await until('its name is known', () => fromPod(hearing('somewhere.example', 7000)))).toBe('outside')
    for (const address of ['10.0.2.2', '127.0.0.1']) await expect(fromPod(hearing(address, 7001))).rejects.toThrow(/no: /)
  })

  test('a killed process comes back, alone; its pod\'s other container never notices', async () => {
    const { name } = (await webPod()).metadata
    for (const pid of processesOf('perl\0-MSocket')) process.kill(pid, 'SIGKILL')
    await until('it runs again', async () => { const [web] = (await pod(name)).status.containerStatuses ?? []; return web?.restartCount === 1 && web.ready })
    const [first = 0] = processesOf('sleep\0infinity').filter((pid) => told(pid, 'environ').includes('HOSTNAME=client'))
    process.kill(first, 'SIGKILL')
    await until('it runs again beside the other', async () => ((await pod('client')).status.containerStatuses ?? []).map(({ restartCount, ready }) => `${restartCount}${ready}`).toSorted().join() === '0true,1true')
  })

  test('a killed kubelet finds its pods again', async () => {
    const before = await pod('client')
    const kubelet = inside().find((pid) => told(pid, 'cmdline').split('\0')[2] === 'kubelet') ?? expect.fail('no kubelet')
    process.kill(kubelet, 'SIGKILL')
    expect(await until('exec works again', () => kubectl('exec', 'client', '-c', 'client', '--', 'echo', 'back'))).toBe('back')
    expect((await pod('client')).status.containerStatuses?.map(({ restartCount }) => restartCount)).toEqual(before.status.containerStatuses?.map(({ restartCount }) => restartCount))
  })

  test.each([
    ['limited', 'spec.containers[0].resources.limits[memory]: there are no cgroups to limit it with (requests are fine)'],
    ['somebody', 'spec.securityContext.runAsUser (54321): not among the users of this cluster'],
  ])('%s: what cannot be given is refused by name', async (name, message) => {
    const { status } = await until('it is refused', async () => { const shown = await pod(name); return shown.status.phase === 'Failed' && shown })
    expect(status).toMatchObject({ phase: 'Failed', reason: 'UnsupportedPodFeature', message: expect.stringContaining(message) as string })
  })

  test('down leaves nothing', async () => {
    const port = serverPort()
    const { exitCode, stderr } = await wherry('down', '--delete-data')
    expect(exitCode, stderr).toBe(0)
    expect(existsSync(data)).toBe(false)
    await until('its processes are gone', () => Promise.resolve(inside().length === 0))
    for (const [address, each] of [['127.0.0.1', port], [machineAddress, 30_800]] as const) await until('nobody listens', async () => (await outer.on('machine', hearing(address, each))).stderr.includes('Connection refused'))
    await until('nothing of it runs', () => Promise.resolve(!processes().some((pid) => told(pid, 'cmdline').includes(data))))
    expect(readdirSync(path.join(home, 'run'))).toEqual([])
  })

  test('a kernel that allows no user namespaces is named, with what allows them', async () => {
    // In a user namespace that may have none below it: a real refusal, and nothing of the machine is changed.
    const { exitCode, stderr } = await as([...becomeUser, 'unshare', '--user', `--map-user=${user}`, `--map-group=${user}`, '--keep-caps',
      'sh', '-c', 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"', 'sh', 'setpriv', '--inh-caps=-all', '--ambient-caps=-all', process.execPath, entry, 'up', '--detach'])
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/user\.max_user_namespaces is 0.*\n\s+allow some: sudo sysctl user\.max_user_namespaces=15000/)
    expect(existsSync(data)).toBe(false)
  })
})
