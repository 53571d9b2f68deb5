/** A cluster that is talked to with secrets, flooded, and left running for long: S17, S18 and S21 of the security checks, and check 18. */
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { spawn } from '@lydell/node-pty'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { Pods, Secrets } from '../../src/api/kinds.ts'
import type { Pod } from '../../src/api/types.ts'
import { readConfig } from '../../src/cluster/config.ts'
import { entry, isRoot, startTestCluster, type TestCluster, until } from '../support/cluster.ts'
import { isReady, type LiveClient, liveClient } from '../support/live-client.ts'
import { commandOf, kubeletOf, processesOf } from '../support/seen-from-outside.ts'
import { heldMegabytes } from '../support/held-memory.ts'
import { askAs, flood } from '../support/strangers.ts'
import { sayWhatIsSkipped } from '../support/skipped.ts'

sayWhatIsSkipped('trust.test.ts')
const full = process.env['WHERRY_FULL'] === '1'

/** Everything is written down but what nobody should: upstream's own advice for a policy. */
const auditPolicy = { apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules: [
  { level: 'Metadata', resources: [{ group: '', resources: ['secrets', 'configmaps', 'serviceaccounts/token'] }, { group: 'authentication.k8s.io', resources: ['tokenreviews'] }] }, { level: 'RequestResponse' },
] }

/** Answers probes, and says when each came. */
const probed = ['perl', '-MIO::Socket::INET', '-MTime::HiRes=time', '-e', `$| = 1; $SIG{TERM} = sub { exit 0 };
  my $listener = IO::Socket::INET->new(LocalPort => 8000, Listen => 64, ReuseAddr => 1) or die $!;
  while (1) { my $peer = $listener->accept or next; print time, "\\n"; while (defined(my $line = <$peer>)) { last if $line =~ /^\\r?\\n$/ } print $peer "HTTP/1.1 200 OK\\r\\ncontent-length: 0\\r\\nconnection: close\\r\\n\\r\\n"; close $peer }`] as const

describe.runIf(isRoot)('a cluster that has something to keep', () => {
  let cluster: TestCluster
  let live: LiveClient
  let address: string
  beforeAll(async () => {
    cluster = await startTestCluster({ environment: { WHERRY_LOG: 'debug' } })
    live = liveClient(cluster)
    address = (await readConfig(cluster.home))?.nodes[0]?.address ?? ''
  })
  afterAll(async () => {
    live?.[Symbol.dispose]()
    await cluster?.[Symbol.asyncDispose]()
  })

  /** As somebody does who looks for an error: the most that there is, of every component. */
  const sayEverything = async (): Promise<void> => {
    const { manifests } = cluster.home.node('node-1')
    await writeFile(path.join(cluster.home.pki, 'audit-policy.yaml'), stringify(auditPolicy))
    for (const name of readdirSync(manifests).filter((each) => each.endsWith('.yaml'))) {
      const file = path.join(manifests, name)
      const pod = parse(await readFile(file, 'utf8')) as { spec: { containers: { command: string[]; env?: object[] }[] } }
      for (const container of pod.spec.containers) {
        container.env = [{ name: 'WHERRY_LOG', value: 'debug' }]
        if (name === 'apiserver.yaml') container.command.push('--audit-log-path=-', `--audit-policy-file=${cluster.home.pki}/audit-policy.yaml`)
      }
      await writeFile(`${file}.new`, stringify(pod))
      await rename(`${file}.new`, file)
    }
    const verbose = async (): Promise<number> => (await live.podsOf('tier=control-plane', 'kube-system')).filter((pod) => isReady(pod) && pod.spec.containers[0]?.env?.some(({ value }) => value === 'debug')).length
    await until('the control plane says everything', async () => (await verbose()) === 3, 60)
    await cluster.kubectl(['-n', 'kube-system', 'set', 'env', 'ds/kube-proxy', 'deploy/coredns', 'WHERRY_LOG=debug'])
  }

  /** What a person sees who looks at the secret, in a real terminal. */
  const dashboardOf = async (secret: string): Promise<string> => {
    const terminal = spawn(process.execPath, [entry, '--data-dir', cluster.home.data, 'ui'], { cols: 120, rows: 40, env: { PATH: process.env['PATH'] ?? '', TERM: 'xterm-256color', HOME: '/root', LANG: 'C.UTF-8' } })
    let shown = ''
    terminal.onData((data) => { shown += data })
    const ended = new Promise<void>((resolve) => { terminal.onExit(() => resolve()) })
    const see = (what: RegExp): Promise<unknown> => until(`the dashboard shows ${String(what)}`, async () => what.test(shown))
    await see(/pods/)
    terminal.write(':secrets\r')
    await see(new RegExp(secret))
    terminal.write(`/${secret}\r`)
    await see(/Filter|\/planted|planted/)
    terminal.write('d')
    await see(/bytes/)
    terminal.kill('SIGTERM')
    await ended
    return shown
  }

  test('S17: what is planted in secrets, tokens and credentials is in no log, no event, no argument, no record and on no screen', async () => {
    await sayEverything()
    const words = Object.fromEntries(['secret', 'docker', 'wrong', 'basic', 'malformed', 'socket'].map((name) => [name, `${name}${randomBytes(12).toString('hex')}`])) as Record<'secret' | 'docker' | 'wrong' | 'basic' | 'malformed' | 'socket', string>
    const base64 = (text: string): string => Buffer.from(text).toString('base64')
    const secret = (name: string, type: string, data: Record<string, string>) => live.client.create(Secrets, { metadata: { name, namespace: 'default' }, type, data } as never)
    await secret('planted', 'Opaque', { password: base64(words.secret) })
    await secret('registry', 'kubernetes.io/dockerconfigjson', { '.dockerconfigjson': base64(JSON.stringify({ auths: { '127.0.0.1:9': { auth: base64(`user:${words.docker}`) } } })) })
    await secret('registry-bad', 'kubernetes.io/dockercfg', { '.dockercfg': base64(JSON.stringify({ '127.0.0.1:9': { auth: words.docker } })) })
    await expect(secret('malformed', 'kubernetes.io/dockerconfigjson', { '.dockerconfigjson': base64(words.malformed) })).rejects.toThrow('<secret contents redacted>')
    await expect(secret('malformed', 'Opaque', { key: `${words.malformed}!` })).rejects.toThrow()
    await cluster.kubectl(['apply', '-f', '-'], { input: JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'applied', namespace: 'default' }, stringData: { password: words.secret } }) })
    const env = [{ name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'planted', key: 'password' } } }]
    await live.run('user', ['sleep', '1000'], { containers: [{ name: 'main', image: 'host', command: ['sh', '-c', 'sleep 1000; true'], env, envFrom: [{ secretRef: { name: 'applied' } }], volumeMounts: [{ name: 's', mountPath: '/s' }],
      readinessProbe: { exec: { command: ['sh', '-c', '[ -n "$PASSWORD" ]'] } }, lifecycle: { postStart: { exec: { command: ['sh', '-c', '[ -n "$PASSWORD" ]'] } } } }], volumes: [{ name: 's', secret: { secretName: 'planted' } }] } as never)
    for (const name of ['registry', 'registry-bad']) await live.run(`puller-${name}`, [], { imagePullSecrets: [{ name }], containers: [{ name: 'main', image: '127.0.0.1:9/some/thing:1' }] } as never)
    const user = await live.untilPod('user', 'is ready', isReady)
    const token = (await cluster.kubectl(['create', 'token', 'default'])).trim()
    const mounted = (await cluster.kubectl(['exec', 'user', '--', 'cat', '/var/run/secrets/kubernetes.io/serviceaccount/token'])).trim()
    expect(await cluster.kubectl(['exec', 'user', '--', 'sh', '-c', 'echo ${#PASSWORD}; cat /s/password | wc -c'])).toBe(`${words.secret.length}\n${words.secret.length}`)
    for (const port of [6443, 10_250, 10_257, 10_259]) for (const headers of [{ authorization: `Bearer ${words.wrong}` }, { authorization: `Basic ${base64(`admin:${words.basic}`)}` }, { authorization: `Bearer ${token}` }, { authorization: `Bearer ${token}x` }, { authorization: `Bearer ${mounted}` },
      { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': base64('0123456789abcdef'), 'sec-websocket-protocol': `base64url.bearer.authorization.k8s.io.${Buffer.from(words.socket).toString('base64url')}, v4.channel.k8s.io` }]) {
      await askAs(`https://${address}:${port}/api/v1/namespaces/default/pods/user/exec?command=true`, { headers: headers as Record<string, string> }).catch(() => {}) // the answer is not what is asked for here
    }
    await until('pulls have failed', async () => (await Promise.all(['registry', 'registry-bad'].map((name) => live.pod(`puller-${name}`)))).every(({ status }) => status.containerStatuses?.[0]?.state?.waiting?.reason?.match(/ErrImagePull|ImagePullBackOff/)))

    const planted = [...Object.values(words).flatMap((word) => [word, base64(word).slice(0, -4), Buffer.from(`user:${word}`).toString('base64').slice(0, -4), Buffer.from(`admin:${word}`).toString('base64').slice(0, -4)]), ...[token, mounted].map((each) => each.split('.')[2]?.slice(0, 60) ?? each)]
    const patterns = planted.flatMap((each) => ['-e', each])
    const { home } = cluster
    const { stdout: files, stderr: vanished } = await execa('find', [home.logs, home.run, home.node('node-1').kubelet, '-xdev', '(', '-name', 'volumes', '-o', '-name', 'kubernetes.io~*', ')', '-prune', '-o', '-type', 'f', '-size', '-20M', '-print'], { reject: false })
    // What goes while it is looked for (a spare's root) is the only thing that may be missed.
    expect(vanished.split('\n').filter((line) => line && !line.endsWith('No such file or directory'))).toEqual([])
    const own = new Set(processesOf(cluster, user))
    const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => ['cmdline', 'environ'].map((file) => path.join('/proc', pid, file)))
    const searched = [...files.split('\n'), ...processes]
    expect(searched.filter((file) => /kube-apiserver.*\.log$/.test(file)).map((file) => readFileSync(file, 'utf8')).join(''), 'an audit log that names the secrets').toMatch(/"secrets","namespace":"default","name":"planted"/)
    const { stdout } = await execa('grep', ['-laF', ...patterns, '--', ...searched], { reject: false })
    const hits = stdout.split('\n').filter(Boolean)
    // The container itself has it, so that a search which finds nothing elsewhere is known to be able to find something.
    expect(hits.filter((file) => [...own].some((pid) => file === `/proc/${pid}/environ`)).length).toBeGreaterThan(0)
    expect(hits.filter((file) => ![...own].some((pid) => file === `/proc/${pid}/environ`))).toEqual([])

    const told = await Promise.all([['get', 'events', '-A', '-o', 'json'], ['get', 'pods', '-A', '-o', 'json'], ['describe', 'secrets'], ['get', '--raw', '/metrics'], ...['metrics', 'configz', 'pods', 'wherry/heal', `wherry/processes?podUid=${user.metadata.uid}`].map((url) => ['get', '--raw', `/api/v1/nodes/node-1/proxy/${url}`])]
      .map((args) => cluster.kubectl(args)))
    const screens = await dashboardOf('planted')
    for (const text of [...told, screens]) expect(planted.filter((each) => text.includes(each))).toEqual([])
  })

  test('S18: the token of a pod is its user\'s alone, and ends with the pod', async () => {
    await live.run('owner', ['sleep', '1000'], { securityContext: { runAsUser: 1000, runAsGroup: 1000 } })
    const { metadata } = await live.untilPod('owner', 'is ready', isReady)
    const inPod = '/var/run/secrets/kubernetes.io/serviceaccount/token'
    expect(await cluster.kubectl(['exec', 'owner', '--', 'stat', '-L', '-c', '%a %u', inPod])).toBe('600 1000')
    const token = (await cluster.kubectl(['exec', 'owner', '--', 'cat', inPod])).trim()
    const file = (await execa('find', ['-L', cluster.home.run, '-path', `*${metadata.uid}*`, '-name', 'token', '-type', 'f'], { reject: false })).stdout.split('\n')[0] ?? ''
    expect(readFileSync(file, 'utf8').trim()).toBe(token)
    expect((await execa('setpriv', ['--reuid=2000', '--regid=2000', '--clear-groups', 'cat', file], { reject: false })).stderr).toContain('Permission denied')
    await live.run('other', ['sleep', '1000'], { securityContext: { runAsUser: 2000 } })
    await live.untilPod('other', 'is ready', isReady)
    expect((await cluster.tryKubectl(['exec', 'other', '--', 'cat', file])).stderr).toMatch(/No such file|Permission denied/)
    const verdict = async (): Promise<number> => (await askAs(`https://${address}:6443/api/v1/nodes`, { headers: { authorization: `Bearer ${token}` } })).status
    expect(await verdict()).toBe(403)
    await live.remove('owner')
    await until('the token is nobody\'s', async () => (await verdict()) === 401, 15)
  })

  test('S21: a flood of strangers at the kubelet and the API server: probes go on, the node stays ready', async () => {
    const seconds = full ? 30 : 3
    const pod = await (async () => {
      await live.run('probed', probed, { containers: [{ name: 'main', image: 'host', command: [...probed], readinessProbe: { httpGet: { path: '/', port: 8000 }, periodSeconds: 1 }, livenessProbe: { httpGet: { path: '/', port: 8000 }, periodSeconds: 1, failureThreshold: 2 } }] } as never)
      return live.untilPod('probed', 'is ready', isReady)
    })()
    const failed = async (): Promise<number> => (await live.reasonsOf(pod)).filter((reason) => reason === 'Unhealthy').length
    const failedBefore = await failed()
    const begun = Date.now() / 1000
    const counts = await Promise.all([10_250, 6443].map((port) => flood(`https://${address}:${port}/pods`, { connections: 32, seconds, requests: 5000, headers: (turn) => (turn % 10 ? {} : { authorization: `Bearer stranger-${turn}` }) })))
    const ended = Date.now() / 1000
    const came = (await cluster.kubectl(['logs', 'probed'])).trim().split('\n').map(Number).filter((at) => at >= begun - 1 && at <= ended + 1)
    const gaps = came.slice(1).map((at, index) => at - (came[index] ?? at))
    const took = ended - begun
    console.log(`S21: in ${took.toFixed(1)} s ${counts.map((each) => JSON.stringify(Object.fromEntries(each))).join(' at the kubelet, ')} at the API server; ${came.length} probes, at most ${Math.max(...gaps).toFixed(2)} s apart`)
    expect([...counts[0]?.keys() ?? []]).toEqual([401])
    expect([...counts[1]?.keys() ?? []].filter((status) => ![401, 403, 429].includes(status))).toEqual([])
    // Two probes, each once a second: none is missed, none has failed.
    expect(came.length).toBeGreaterThanOrEqual(2 * (Math.floor(took) - 1))
    expect(await failed()).toBe(failedBefore)
    for (const each of counts) expect([...each.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(5000)
    expect(Math.max(...gaps)).toBeLessThan(2.5)
    const now = await live.pod('probed')
    expect([isReady(now), now.status.containerStatuses?.[0]?.restartCount, now.status.containerStatuses?.[0]?.containerID]).toEqual([true, 0, pod.status.containerStatuses?.[0]?.containerID])
    expect(await cluster.kubectl(['get', 'node', 'node-1', '--no-headers'])).toContain(' Ready ')
  })

  test('check 18: with pods that write a megabyte a second, the kubelet\'s memory and its open files come to rest', async () => {
    const [count, seconds] = full ? [50, 600] : [10, 4]
    const writer = ['perl', '-MTime::HiRes=sleep', '-e', `$| = 1; $SIG{TERM} = sub { exit 0 }; while (1) { print "x" x 99, "\\n" for 1 .. ${Math.round(1_000 / count)}; sleep 0.1 }`]
    await Promise.all(Array.from({ length: count }, (_, index) => live.run(`writer-${index}`, writer, {}, { app: 'writer' })))
    await until('all write', async () => (await live.podsOf('app=writer')).filter(isReady).length === count, 120)
    const pid = kubeletOf(cluster)
    const facts = async (): Promise<{ held: number; resident: number; files: number }> => ({
      held: await until('the inspector listens', () => heldMegabytes(pid)), resident: Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024, files: readdirSync(`/proc/${pid}/fd`).length,
    })
    const samples = [await facts()]
    const begun = performance.now()
    for (let quarter = 1; quarter <= 4; quarter++) {
      await until('a quarter of the time is over', async () => performance.now() - begun > (seconds / 4) * quarter * 1000, seconds)
      samples.push(await facts())
    }
    const list = (key: 'held' | 'resident' | 'files'): string => samples.map((sample) => sample[key].toFixed(1)).join(', ')
    console.log(`check 18: ${count} pods, ${seconds} s: held ${list('held')} MB, resident ${list('resident')} MB, open files ${list('files')}`)
    expect(commandOf(pid)).toContain('kubelet')
    // The first quarter fills what has a bound: a minute of usage, events, connections.
    const [second, last] = [samples[1], samples.at(-1)]
    expect((last?.held ?? 0) - (second?.held ?? 0)).toBeLessThan(full ? 2 : 6)
    expect(Math.abs((last?.files ?? 0) - (second?.files ?? 0))).toBeLessThan(16)
    await Promise.all((await live.podsOf('app=writer')).map(({ metadata }: Pod) => live.client.delete(Pods, { name: metadata.name, namespace: 'default' }, { gracePeriodSeconds: 0 })))
  }, full ? 900_000 : 60_000)
})
