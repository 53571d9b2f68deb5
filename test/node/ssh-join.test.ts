import { createPublicKey, verify } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Nodes, Pods } from '../../src/api/kinds.ts'
import { readConfig } from '../../src/cluster/config.ts'
import { nodeNetworkOf } from '../../src/cluster/node-network.ts'
import { kubectlPath } from '../support/clients.ts'
import { isRoot, startTestCluster, type TestCluster } from '../support/cluster.ts'
import { httpClient, httpServer } from '../support/perl-http.ts'
import { isReady, liveClient, type LiveClient, restartsOf } from '../support/live-client.ts'
import { archive, ociFiles } from '../support/oci-image.ts'
import { watchProcesses } from '../support/argv-watch.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

const root = path.resolve(import.meta.dirname, '../..')
const sshd = ['/usr/sbin/sshd', path.join(root, '.cache/debian/root/usr/sbin/sshd')].find((file) => existsSync(file))
const busybox = [path.join(root, '.cache/debian/root/bin/busybox'), '/bin/busybox'].find((file) => existsSync(file))
const bundled = existsSync(path.join(root, 'dist/wherry.js'))
sayWhatIsSkipped('ssh-join')
if (!sshd) console.log('SKIPPED ssh-join: no sshd on this machine')
if (!bundled) console.log('SKIPPED ssh-join: no bundle to send; make it with: npm run setup')

/** `$1` host's folder, `$2` sshd: a mount namespace in which /var/lib, /run and /root are that machine's own; the test's folder stays visible. */
const machineScript = `
set -e
mount --make-rslave / 2>/dev/null || mount --make-rprivate /
mkdir -p /run/sshd
mount -t tmpfs -o size=1g,mode=755 tmpfs /var/lib
mkdir -p /run/wherry; mount -t tmpfs -o mode=755 tmpfs /run/wherry
mount --bind "$1/root" /root
hostname other-machine
exec "$2" -D -f "$1/sshd_config"
`

interface Machine { address: string; link: string; folder: string; identity: string; login: string; keys(): Promise<string>; see(command: readonly string[]): Promise<string>; end(): Promise<void> }

/** A "machine" on the cluster's bridge: network, mount and UTS namespaces of its own, in which a real sshd runs. */
const startMachine = async (clusterId: string): Promise<Machine> => {
  const folder = await mkdtemp(path.join(tmpdir(), 'wherry-sshd-'))
  const network = nodeNetworkOf(clusterId)
  const [namespace, link, address] = [`wh${clusterId}-far`, `wh${clusterId}far`, `${network.prefix}.77`]
  await mkdir(path.join(folder, 'root/.ssh'), { recursive: true, mode: 0o700 })
  await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path.join(folder, 'host')])
  await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path.join(folder, 'user')])
  const keys = path.join(folder, 'root/.ssh/authorized_keys')
  await writeFile(keys, await readFile(path.join(folder, 'user.pub'), 'utf8'), { mode: 0o600 })
  await writeFile(path.join(folder, 'sshd_config'), [`ListenAddress ${address}`, 'Port 2222', `HostKey ${folder}/host`, `PidFile ${folder}/sshd.pid`, 'UsePAM no', 'PasswordAuthentication no', 'KbdInteractiveAuthentication no', 'PermitRootLogin yes', 'StrictModes no', 'AuthorizedKeysFile /root/.ssh/authorized_keys', 'PrintMotd no', ''].join('\n'))
  await execa('ip', ['-batch', '-'], { input: [`netns add ${namespace}`, `link add ${link} type veth peer name eth0 netns ${namespace}`, `link set ${link} master ${network.bridge} up`, ''].join('\n') })
  await execa('ip', ['-n', namespace, '-batch', '-'], { input: ['link set lo up', `addr add ${address}/24 dev eth0`, 'link set eth0 up', `route add default via ${network.prefix}.254`, ''].join('\n') })
  const server = execa('nsenter', [`--net=/run/netns/${namespace}`, 'unshare', '--mount', '--uts', 'sh', '-c', machineScript, 'machine', folder, sshd ?? ''], { stdio: 'ignore', reject: false })
  const see = async (command: readonly string[]): Promise<string> => (await execa('nsenter', [`--target=${server.pid ?? 0}`, '--net', '--mount', '--uts', ...command], { reject: false })).stdout ?? ''
  return {
    address, link, folder, identity: path.join(folder, 'user'), login: `root@${address}:2222`, keys: () => readFile(keys, 'utf8'), see,
    async end() {
      server.kill('SIGTERM')
      await server
      // Sessions outlive the daemon, and keep the namespace.
      const { stdout: pids } = await execa('ip', ['netns', 'pids', namespace], { reject: false })
      for (const pid of (pids ?? '').split('\n').map(Number)) if (pid > 1) try { process.kill(pid, 'SIGKILL') } catch { /* ended by itself */ }
      await execa('ip', ['netns', 'delete', namespace], { reject: false })
      await execa('ip', ['link', 'delete', link], { reject: false })
      await rm(folder, { recursive: true, force: true })
    },
  }
}


describe.runIf(isRoot && sshd !== undefined && bundled)('a machine with sshd and nothing else', () => {
  let cluster: TestCluster
  let live: LiveClient
  let machine: Machine
  const add = (...more: string[]): Promise<string> => cluster.wherry('node', 'add', machine.login, '--name', 'far', ...more)
  const until = async <T>(what: string, probe: () => Promise<T | false>, seconds?: number): Promise<T> => await cluster.until(what, probe, seconds) as T
  const runOn = (node: string, name: string): ReturnType<LiveClient['run']> => live.run(name, httpServer, { nodeName: node })

  beforeAll(async () => {
    cluster = await startTestCluster()
    live = liveClient(cluster)
    machine = await startMachine(cluster.home.clusterId)
    const data = (name: string): string => path.join(cluster.home.data, name)
    await mkdir(data('credential-providers'))
    await writeFile(data('credential-providers/vault'), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
    await writeFile(data('credential-providers.yaml'), 'apiVersion: kubelet.config.k8s.io/v1\nkind: CredentialProviderConfig\nproviders:\n- {name: vault, apiVersion: credentialprovider.kubelet.k8s.io/v1, matchImages: [registry.example], defaultCacheDuration: 0s}\n')
    await writeFile(data('kubelet.yaml'), 'apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nmaxPods: 77\n')
    await until('sshd listens', async () => (await machine.see(['ss', '-Hltn', 'sport = :2222'])).includes('2222'))
  })
  afterAll(async () => {
    live?.[Symbol.dispose]()
    await machine?.end()
    await cluster?.[Symbol.asyncDispose]()
  })

  test.each([
    ['an option in place of a host', ['-oProxyCommand=touch /tmp/never'], /unknown option|must begin with/],
    ['a host with a shell in it', ['root@host;reboot'], /the host "host;reboot" must begin with a letter or digit/],
    ['a user that is an option', ['-l@host'], /unknown option|the user "-l" must begin/],
  ] as const)('is not looked for by way of %s', async (_, args, why) => { await expect(cluster.wherry('node', 'add', '--', ...args)).rejects.toThrow(why) })

  test('whose host key is not known is not trusted', async () => { await expect(add('--identity', machine.identity)).rejects.toThrow(/host key is not known yet.*--accept-new-host-key/s) })
  test('that knows none of our keys is not entered', async () => {
    await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path.join(machine.folder, 'stranger')])
    await expect(add('--identity', path.join(machine.folder, 'stranger'), '--accept-new-host-key')).rejects.toThrow(/Permission denied.*ssh-copy-id/s)
  })

  /** Lines of every private key and token that this machine or that one has: long enough to be nobody else's. */
  const secrets = async (): Promise<string[]> => {
    const { home } = cluster
    const files = (await Promise.all([home.pki, home.ssh, home.kubeconfigs, home.data].map(async (folder) => (await readdir(folder, { withFileTypes: true })).filter((each) => each.isFile()).map(({ name }) => path.join(folder, name))))).flat()
    const far = await machine.see(['sh', '-c', 'cat /var/lib/wherry-node/*/*.key'])
    const texts = [...await Promise.all([...files, machine.identity].map((file) => readFile(file, 'utf8'))), far, (await cluster.kubectl(['create', 'token', 'default'])).trim()]
    const keys = texts.flatMap((text) => [...text.matchAll(/-----BEGIN[ A-Z]* PRIVATE KEY-----\n([\s\S]+?)-----END/g)].flatMap(([, body = '']) => body.trim().split('\n').map((line) => line.trim()).filter((line) => line.length >= 40)))
    const embedded = texts.flatMap((text) => [...text.matchAll(/(?:client-key-data|token): (\S{60})/g)].map(([, word = '']) => word))
    return [...new Set([...keys, ...embedded])]
  }

  test('joins, and is Ready; S18: no key and no token is in an argument, an environment, a history or a log, there or here', async () => {
    const { texts, looks } = await watchProcesses(() => add('--identity', machine.identity, '--accept-new-host-key'))
    const found = await secrets()
    console.log(`S18: ${looks} looks at all processes, ${texts.size} argument lists and environments, ${found.length} pieces of secrets looked for`)
    expect([...texts].some((text) => text.includes(`machine\0start\0`)), 'what runs on the other machine was seen').toBe(true)
    expect(found.length).toBeGreaterThan(6)
    const leaks = (text: string): boolean => found.some((secret) => text.includes(secret)) || /PRIVATE KEY-----|eyJhbGciOi[\w-]+\.eyJ/.test(text)
    // Other clusters' tests, which have keys and tokens of their own, may run on this machine.
    const signingKey = createPublicKey(await readFile(path.join(cluster.home.pki, 'sa.key')))
    const isOurs = (token: string): boolean => { const [head = '', body = '', signature = ''] = token.split('.'); return verify('sha256', Buffer.from(`${head}.${body}`), { key: signingKey, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url')) }
    const own = (await cluster.kubectl(['create', 'token', 'default'])).trim()
    expect([isOurs(own), isOurs(`${own.slice(0, -8)}AAAAAAAA`)]).toEqual([true, false])
    const leaksOurs = (text: string): boolean => found.some((secret) => text.includes(secret)) || (text.match(/eyJhbGciOi[\w-]+\.eyJ[\w-]+\.[\w-]+/g) ?? []).some(isOurs)
      || (/PRIVATE KEY-----/.test(text) && [cluster.home.clusterId, cluster.home.data, machine.folder, machine.address].some((mark) => text.includes(mark)))
    expect([...texts].filter(leaksOurs).map((text) => text.slice(0, 200))).toEqual([])
    const written = await machine.see(['sh', '-c', 'cd /root && find . -type f ! -path "./.ssh/authorized_keys" -exec cat {} +; cat /var/log/auth.log /var/log/sshd.log 2>/dev/null; cat /var/lib/wherry-node/*/*.log'])
    expect(leaks(written)).toBe(false)
    expect(await machine.see(['sh', '-c', 'ls -A /root | grep -i hist'])).toBe('')
    expect(await machine.see(['sh', '-c', 'find /var/lib/wherry-node -type f -perm /077 ! -path "*/program/*" ! -path "*/tools/*" ! -path "*/template/*" -exec grep -l "PRIVATE KEY" {} +'])).toBe('')
    const node = await live.client.get(Nodes, { name: 'far' })
    expect(node.spec.providerID).toBe(`ssh://${machine.login}`)
    expect(node.status.addresses).toEqual([{ type: 'InternalIP', address: machine.address }, { type: 'Hostname', address: 'far' }])
    expect((await machine.keys()).trim().split('\n')).toEqual([expect.stringContaining('ssh-ed25519'), expect.stringMatching(new RegExp(`^restrict ssh-ed25519 \\S+ wherry-${cluster.home.clusterId}$`))])
  })

  test('has keys that never left it, and certificates of its own', async () => {
    expect((await machine.see(['sh', '-c', 'cd /var/lib/wherry-node/*/ && stat -c "%a %n" *.key'])).trim().split('\n')).toEqual(['600 kubelet-client.key', '600 kubelet-server.key'])
    expect(await machine.see(['sh', '-c', 'cat /var/lib/wherry-node/*/kubelet.kubeconfig'])).not.toContain('PRIVATE')
  })

  test('has the cluster\'s configuration of kubelets, and the programs that know credentials', async () => {
    expect((await live.client.get(Nodes, { name: 'far' })).status.capacity?.['pods']).toBe('77')
    expect(await machine.see(['sh', '-c', 'cd /var/lib/wherry-node/*/ && stat -c "%a %n" kubelet.yaml credential-providers.yaml credential-providers/*'])).toBe('600 kubelet.yaml\n600 credential-providers.yaml\n700 credential-providers/vault')
  })

  test('runs pods, and pods of the first node reach them', async () => {
    await runOn('far', 'there')
    await runOn('node-1', 'here')
    const there = await live.untilPod('there', 'is ready', isReady)
    await live.untilPod('here', 'is ready', isReady)
    await until('the pod there answers the pod here', async () => (await cluster.kubectl(['exec', 'here', '--', ...httpClient([`http://${there.status.podIP ?? ''}:8000/`])])).trim() === '["there"]')
    const here = await live.pod('here')
    expect((await cluster.kubectl(['exec', 'there', '--', ...httpClient([`http://${here.status.podIP ?? ''}:8000/`])])).trim()).toBe('["here"]')
    expect((await cluster.onNode('node-1', ['ip', 'route', 'show', 'proto', '113'])).stdout.trim()).toMatch(new RegExp(`via ${machine.address.replaceAll('.', '\\.')} dev eth0$`))
  })

  test('gives terminals: the program that was sent has all that it needs', async () => {
    const terminal = await execa('script', ['--quiet', '--return', '--command', `${await kubectlPath('1.36')} --kubeconfig ${cluster.kubeconfig} exec -it there -- sh -c "test -t 0 && test -t 1 && exit 7"`, '/dev/null'], { reject: false, stdin: 'ignore', timeout: 30_000 })
    expect(terminal.exitCode, terminal.stdout).toBe(7)
  })

  test.runIf(busybox)('gets the images that are loaded, and runs them', async () => {
    const layer = [{ path: 'bin/sh', data: await readFile(busybox ?? ''), mode: 0o755 }]
    await writeFile(path.join(machine.folder, 'tiny.tar'), archive(ociFiles({ name: 'docker.io/library/tiny:1', layers: [layer], config: { Entrypoint: ['/bin/sh', '-c', 'exec sleep 1000'] } })))
    await cluster.wherry('image', 'load', path.join(machine.folder, 'tiny.tar'))
    for (const name of ['far', 'node-1']) expect(await cluster.wherry('image', 'list', '--node', name)).toContain('docker.io/library/tiny:1')
    await live.client.create(Pods, { metadata: { name: 'tiny', namespace: 'default' }, spec: { nodeName: 'far', terminationGracePeriodSeconds: 0, containers: [{ name: 'main', image: 'tiny:1', imagePullPolicy: 'Always' }] } } as never)
    await live.untilPod('tiny', 'is ready', isReady)
    await cluster.kubectl(['delete', 'pod', 'tiny', '--now'])
    await cluster.wherry('image', 'rm', 'tiny:1', '--node', 'far')
    expect(await cluster.wherry('image', 'list', '--node', 'far')).not.toContain('tiny')
    await expect(cluster.wherry('image', 'load', path.join(machine.folder, 'tiny.tar'), '--node', 'nowhere')).rejects.toThrow(/there is no node "nowhere"; nodes: node-1, far/)
  })

  test('may be added again: nothing is lost', async () => {
    const before = await live.pod('there')
    await add('--identity', machine.identity, '--accept-new-host-key')
    const after = await live.pod('there')
    expect([after.metadata.uid, after.status.containerStatuses?.[0]?.restartCount]).toEqual([before.metadata.uid, 0])
    expect((await machine.keys()).trim().split('\n')).toHaveLength(2)
    expect((await readConfig(cluster.home))?.nodes.map(({ name }) => name)).toEqual(['node-1', 'far'])
  })

  test('comes back after a reboot of its own, by what its unit runs', async () => {
    const before = restartsOf(await live.pod('there'))
    const keeper = Number(await machine.see(['sh', '-c', 'cut -d" " -f1 "$(find /run/wherry -name "far.pid" -o -name "keeper.pid" | head -n 1)"']))
    expect(keeper).toBeGreaterThan(1)
    // Its kubelet is gone, and what a reboot erases with it.
    process.kill(-keeper, 'SIGKILL')
    await machine.see(['sh', '-c', 'rm -rf /run/wherry/*'])
    const answer = await machine.see(['sh', '-c', 'folder=$(dirname "$(ls -t /var/lib/wherry-node/program/*/wherry.js | head -n 1)"); exec "$folder/node" "$folder/wherry.js" machine resume "$@"', 'sh', `--cluster-id=${cluster.home.clusterId}`, '--node-name=far'])
    expect(JSON.parse(answer)).toMatchObject({ wasRunning: false, keeper: expect.any(Number) })
    await live.untilPod('there', 'runs anew', (pod) => isReady(pod) && restartsOf(pod) > before, 90)
  })

  test('finds the bridge under a hardware address that no node takes away with it', async () => {
    const addressOf = async (link: string): Promise<string> => (JSON.parse((await execa('ip', ['-json', 'link', 'show', link])).stdout) as { address: string }[])[0]?.address ?? ''
    const { bridge, prefix } = nodeNetworkOf(cluster.home.clusterId)
    expect(await addressOf(bridge)).toBe(`0a:58:${[...prefix.split('.'), '254'].map((part) => Number(part).toString(16).padStart(2, '0')).join(':')}`)
  })

  test('rests while the cluster does, and returns with it', async () => {
    const restarts = restartsOf(await live.pod('there'))
    await cluster.wherry('down')
    expect(await machine.see(['sh', '-c', 'ls -A /run/wherry; ip route show proto 113; iptables-save | grep -cE "KUBE|WHERRY"'])).toBe('0')
    await cluster.wherry('up', '--isolated', '--detach')
    // The bridge went with the cluster, and a real machine's cable would not have.
    await execa('ip', ['link', 'set', machine.link, 'master', nodeNetworkOf(cluster.home.clusterId).bridge, 'up'])
    await until('the API server answers', async () => (await live.client.list(Nodes)).items.length === 2)
    await add('--identity', machine.identity, '--accept-new-host-key')
    await live.untilPod('there', 'is ready again', (pod) => isReady(pod) && restartsOf(pod) > restarts, 90)
  })

  test('leaves, and nothing of the cluster stays on it', async () => {
    await cluster.wherry('node', 'remove', 'far')
    expect((await live.client.list(Nodes)).items.map(({ metadata }) => metadata.name)).toEqual(['node-1'])
    expect((await live.client.list(Pods, { fieldSelector: 'spec.nodeName=far' })).items.filter(({ metadata }) => metadata.namespace === 'default')).toEqual([])
    expect((await readConfig(cluster.home))?.nodes.map(({ name }) => name)).toEqual(['node-1'])
    expect((await machine.keys()).trim().split('\n')).toHaveLength(1)
    expect(await machine.see(['sh', '-c', 'ls -A /var/lib /run/wherry; ip -o link | grep -c .; ip route show proto 113; iptables-save | grep -E "KUBE|WHERRY" | head -n 3'])).toBe('/run/wherry:\n\n/var/lib:\n2')
    await until('the route to it is gone', async () => (await cluster.onNode('node-1', ['ip', 'route', 'show', 'proto', '113'])).stdout.trim() === '')
  })
})
