/** Cases of real kubectl with ports and proxies, for a cluster that a test has already. */
import { execa } from 'execa'
import { expect, test } from 'vitest'
import { type ClientVersion, kubectlPath } from '../support/clients.ts'
import { type TestCluster, until } from '../support/cluster.ts'
import { httpServer } from '../support/perl-http.ts'

const serves = JSON.stringify(httpServer)

/** A server behind a deployment and a service, and one that is to die. Port 8000 answers with $NODE. */
export const servers = `apiVersion: apps/v1
kind: Deployment
metadata: {name: pages}
spec:
  replicas: 1
  selector: {matchLabels: {app: pages}}
  template:
    metadata: {labels: {app: pages}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: c, image: host, command: ${serves}, env: [{name: NODE, value: page}], ports: [{name: http, containerPort: 8000}], readinessProbe: {tcpSocket: {port: http}, periodSeconds: 1}}]
---
apiVersion: v1
kind: Service
metadata: {name: pages}
spec: {selector: {app: pages}, ports: [{name: web, port: 80, targetPort: http}]}
---
apiVersion: v1
kind: Pod
metadata: {name: mortal}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{name: c, image: host, command: ${serves}, env: [{name: NODE, value: mortal}]}]
`

interface Forwarding extends AsyncDisposable {
  port: number
  said(): string
  ended: Promise<number | undefined>
}

const forwarding = async (cluster: TestCluster, args: readonly string[], { version = '1.36', webSockets = true }: { version?: ClientVersion; webSockets?: boolean } = {}): Promise<Forwarding> => {
  const running = execa(await kubectlPath(version), ['--kubeconfig', cluster.kubeconfig, 'port-forward', ...args], { reject: false, all: true, timeout: 40_000, stdin: 'ignore', env: { KUBECTL_PORT_FORWARD_WEBSOCKETS: String(webSockets) } })
  let said = ''
  running.all.on('data', (chunk: Buffer) => { said += chunk.toString() })
  const port = await until('it forwards', () => Promise.resolve(Number(/Forwarding from 127\.0\.0\.1:(\d+)/.exec(said)?.[1] ?? 0)), 60)
  return { port, said: () => said, ended: running.then(({ exitCode }) => exitCode), [Symbol.asyncDispose]: async () => { running.kill(); await running } }
}

const fetched = async (port: number): Promise<string> => (await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(10_000) })).text()

export const portForwardingCases = (cluster: () => TestCluster): void => {
  test('is ready', async () => {
    await cluster().kubectl(['rollout', 'status', 'deployment/pages', '--timeout=30s'])
    await cluster().kubectl(['wait', '--for=condition=Ready', 'pod/mortal', '--timeout=30s'])
    await cluster().until('the service has an endpoint', () => cluster().kubectl(['get', 'endpointslices', '-l', 'kubernetes.io/service-name=pages', '-o', 'jsonpath={.items[*].endpoints[?(@.conditions.ready==true)].addresses}']))
  })
  test.each<[string, string[], { version?: ClientVersion; webSockets?: boolean }]>([
    ['a deployment, tunnelled in a WebSocket', ['deployment/pages', ':8000'], {}], ['a service\'s named port, over SPDY', ['svc/pages', ':web'], { webSockets: false }], ['a pod, with an older kubectl', ['pod/mortal', ':8000'], { version: '1.32', webSockets: false }],
  ])('forwards to %s: several connections at once', async (_, args, options) => {
    await using forward = await forwarding(cluster(), args, options)
    const answers = await Promise.all(Array.from({ length: 6 }, () => fetched(forward.port)))
    expect(new Set(answers)).toEqual(new Set([args[0] === 'pod/mortal' ? 'mortal' : 'page']))
    expect(forward.said().match(/Handling connection for/g)).toHaveLength(6)
    expect(forward.said()).not.toContain('error')
  })
  test('says that nobody listens', async () => {
    await using forward = await forwarding(cluster(), ['pod/mortal', ':81'])
    await expect(fetched(forward.port)).rejects.toThrow()
    expect(await forward.ended).toBe(1)
    expect(forward.said()).toMatch(/an error occurred forwarding \d+ -> 81: error forwarding port 81 to pod \S+, uid : failed to connect to localhost:81 inside namespace .*, IPv4: dial tcp4 127\.0\.0\.1:81: connect: connection refused/)
    expect(forward.said()).toContain('error: lost connection to pod')
  })
  test('says that the pod has gone', async () => {
    await using forward = await forwarding(cluster(), ['pod/mortal', ':8000'])
    expect(await fetched(forward.port)).toBe('mortal')
    await cluster().kubectl(['delete', 'pod', 'mortal', '--now', '--wait=true'])
    await expect(fetched(forward.port)).rejects.toThrow()
    expect(await forward.ended).toBe(1)
    expect(forward.said()).toMatch(/an error occurred forwarding \d+ -> 8000: error forwarding port 8000 to pod /)
  })
  test('proxies to a pod, a service, a node', async () => {
    const raw = (path: string): Promise<string> => cluster().kubectl(['get', '--raw', path])
    const name = await cluster().kubectl(['get', 'pods', '-l', 'app=pages', '-o', 'jsonpath={.items[0].metadata.name}'])
    for (const path of [`pods/${name}/proxy/`, `pods/${name}:8000/proxy/a/b?c=d`, 'services/pages:web/proxy/', 'services/http:pages:80/proxy/x']) expect(await raw(`/api/v1/namespaces/default/${path}`)).toBe('page')
    expect(await raw('/api/v1/nodes/node-1/proxy/healthz')).toBe('ok')
    expect(await cluster().tryKubectl(['get', '--raw', '/api/v1/namespaces/default/services/https:pages:81/proxy/'])).toMatchObject({ exitCode: 1, stderr: 'Error from server (ServiceUnavailable): no service port 81 found for service "pages"' })
    expect(await cluster().tryKubectl(['get', '--raw', `/api/v1/namespaces/default/pods/${name}:81/proxy/`])).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/^Error from server \(ServiceUnavailable\): error trying to reach service: dial tcp [\d.]+:81: connect: connection refused$/) as string })
  })
  test.each<[ClientVersion]>([['1.36'], ['1.32']])('exec, and copies both ways, over SPDY with kubectl %s', async (version) => {
    const run = async (args: readonly string[], input?: string): Promise<{ exitCode?: number | undefined; stdout: string; stderr: string }> =>
      execa(await kubectlPath(version), ['--kubeconfig', cluster().kubeconfig, ...args], { reject: false, timeout: 20_000, env: { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false' }, ...(input === undefined ? { stdin: 'ignore' as const } : { input }) })
    expect(await run(['exec', 'two', '-c', 'counter', '--', 'sh', '-c', 'echo out; echo err >&2; exit 7'])).toMatchObject({ exitCode: 7, stdout: 'out', stderr: 'err\ncommand terminated with exit code 7' })
    const input = 'x'.repeat(1023).concat('\n').repeat(1500)
    expect(await run(['exec', '-i', 'two', '-c', 'counter', '--', 'wc', '-c'], input)).toMatchObject({ exitCode: 0, stdout: String(input.length) })
    expect((await run(['exec', 'two', '-c', 'counter', '--', 'sh', '-c', 'yes 0123456789abcde | head -c 1048576'])).stdout).toHaveLength(1_048_576 - 1)
    expect(await run(['cp', cluster().kubeconfig, 'two:/tmp/copied', '-c', 'counter'])).toMatchObject({ exitCode: 0 })
    expect((await run(['exec', 'two', '-c', 'counter', '--', 'sh', '-c', 'head -c 11 /tmp/copied'])).stdout).toBe('apiVersion:')
  })
}
