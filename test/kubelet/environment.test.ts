/** What containers and sandboxes are given: environment, downward API, resources, DNS, hosts, images, admission. Named after kubelet_pods_test.go and its like. */
import { describe, expect, test } from 'vitest'
import { admit, type AdmissionInput } from '../../agents/kubelet/admission.ts'
import { containerSpec } from '../../agents/kubelet/container-spec.ts'
import { parseResolvConf, resolvConfOf } from '../../agents/kubelet/dns-config.ts'
import { ConfigError, environmentOf, type EnvironmentFacts } from '../../agents/kubelet/env.ts'
import { expand } from '../../agents/kubelet/expansion.ts'
import { fieldValue, resourceValue } from '../../agents/kubelet/field-ref.ts'
import { hostsFile } from '../../agents/kubelet/hosts-file.ts'
import { hostImage, imageCommand, missingImage } from '../../agents/kubelet/image.ts'
import { qosClassOf } from '../../agents/kubelet/pod.ts'
import { containerLimits, oomScoreAdjust, podRequests, sandboxLimits } from '../../agents/kubelet/resources.ts'
import { hostnameOf } from '../../agents/kubelet/sandbox-spec.ts'
import { serviceEnvironment } from '../../agents/kubelet/service-env.ts'
import type { Container, FileKeySelector, Pod, Service } from '../../src/api/types.ts'
import { aContainer, aPod } from './builders.ts'

test.each([['$(A)', 'a'], ['$(A)-$(B)', 'a-b'], ['$$(A)', '$(A)'], ['$(NONE)', '$(NONE)'], ['$A $', '$A $'], ['$$$(A)', '$a'], ['$(A', '$(A'], ['x$(__proto__)', 'x$(__proto__)']])('%s expands to %s', (text, expected) => {
  expect(expand(text, (name) => new Map([['A', 'a'], ['B', 'b']]).get(name))).toBe(expected)
})

const service = (name: string, clusterIP: string, namespace = 'default', ports = [{ port: 80, name: 'http' }, { port: 53, name: 'dns-x', protocol: 'UDP' }]): Service =>
  ({ metadata: { name, namespace, uid: name, resourceVersion: '1', creationTimestamp: '' }, spec: { clusterIP, ports }, status: {} }) as Service

describe('service variables', () => {
  test('as upstream names them', () => {
    expect(Object.fromEntries(serviceEnvironment([service('foo-bar', '1.2.3.4')], 'default', true))).toEqual({
      FOO_BAR_SERVICE_HOST: '1.2.3.4', FOO_BAR_SERVICE_PORT: '80', FOO_BAR_SERVICE_PORT_HTTP: '80', FOO_BAR_SERVICE_PORT_DNS_X: '53', FOO_BAR_PORT: 'tcp://1.2.3.4:80',
      FOO_BAR_PORT_80_TCP: 'tcp://1.2.3.4:80', FOO_BAR_PORT_80_TCP_PROTO: 'tcp', FOO_BAR_PORT_80_TCP_PORT: '80', FOO_BAR_PORT_80_TCP_ADDR: '1.2.3.4',
      FOO_BAR_PORT_53_UDP: 'udp://1.2.3.4:53', FOO_BAR_PORT_53_UDP_PROTO: 'udp', FOO_BAR_PORT_53_UDP_PORT: '53', FOO_BAR_PORT_53_UDP_ADDR: '1.2.3.4',
    })
  })
  const hosts = (links: boolean, namespace: string) => [...serviceEnvironment([service('kubernetes', '10.96.0.1'), service('a', '1.1.1.1'), service('b', '2.2.2.2', 'shop'), service('headless', 'None')], namespace, links).keys()].filter((name) => name.endsWith('_HOST'))
  test.each<[string, boolean, string, string[]]>([
    ['of the own namespace and the API server', true, 'shop', ['B_SERVICE_HOST', 'KUBERNETES_SERVICE_HOST']], ['without links only the API server', false, 'shop', ['KUBERNETES_SERVICE_HOST']], ['headless ones are left out', true, 'default', ['A_SERVICE_HOST', 'KUBERNETES_SERVICE_HOST']],
  ])('%s', (_, links, namespace, expected) => { expect(hosts(links, namespace)).toEqual(expected) })
})

const fileKey = (key: string, more: Partial<FileKeySelector> = {}) => ({ name: key, valueFrom: { fileKeyRef: { volumeName: 'config', path: 'app.env', key, ...more } } })

describe('environment', () => {
  const facts: EnvironmentFacts = {
    podIPs: ['10.244.0.5'], hostIPs: ['192.0.2.1'], nodeName: 'node-1', allocatable: { cpu: '4', memory: '8Gi' }, services: new Map([['TEST_SERVICE_HOST', '1.2.3.4']]),
    configMap: (name) => (name === 'settings' ? { metadata: aPod().metadata, data: { color: 'blue', size: 'big' } } : undefined),
    secret: (name) => (name === 'secret' ? { metadata: aPod().metadata, data: { word: Buffer.from('hush').toString('base64') } } : undefined),
    file: (volume, path) => {
      if (`${volume}/${path}` !== 'config/app.env') throw new Error('ENOENT: no such file')
      return "COLOR='red'\nEMPTY=''\nWRONG=1\n"
    },
  }
  const of = (container: Partial<Container>) => Object.fromEntries(environmentOf(aPod(), aContainer('web', container), facts).map(({ name, value }) => [name, value]))
  test.each<[string, Partial<Container>, Record<string, string>]>([
    ['values refer to earlier ones and to services', { env: [{ name: 'A', value: 'a' }, { name: 'B', value: '$(A)$(TEST_SERVICE_HOST)$(LATER)' }, { name: 'LATER', value: 'l' }] }, { A: 'a', B: 'a1.2.3.4$(LATER)', LATER: 'l', TEST_SERVICE_HOST: '1.2.3.4' }],
    ['env wins over envFrom', { envFrom: [{ configMapRef: { name: 'settings' } }], env: [{ name: 'color', value: 'red' }] }, { color: 'red', size: 'big' }],
    ['envFrom with a prefix', { envFrom: [{ prefix: 'P_', configMapRef: { name: 'settings' } }, { secretRef: { name: 'secret' } }] }, { P_color: 'blue', P_size: 'big', word: 'hush' }],
    ['keys', { env: [{ name: 'C', valueFrom: { configMapKeyRef: { name: 'settings', key: 'color' } } }, { name: 'S', valueFrom: { secretKeyRef: { name: 'secret', key: 'word' } } }] }, { C: 'blue', S: 'hush' }],
    ['optional ones that are not there', { env: [{ name: 'C', valueFrom: { configMapKeyRef: { name: 'none', key: 'x', optional: true } } }, { name: 'D', valueFrom: { secretKeyRef: { name: 'secret', key: 'x', optional: true } } }], envFrom: [{ secretRef: { name: 'none', optional: true } }] }, {}],
    ['fields', { env: [{ name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }, { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }] }, { IP: '10.244.0.5', NODE: 'node-1' }],
    ['keys of files', { env: [fileKey('COLOR'), fileKey('EMPTY', { optional: true }), fileKey('WRONG', { optional: true }), fileKey('NONE', { optional: true, path: 'none' })] }, { COLOR: 'red' }],
    ['a service variable of the pod\'s own', { env: [{ name: 'TEST_SERVICE_HOST', value: 'mine' }] }, { TEST_SERVICE_HOST: 'mine' }],
  ])('%s', (_, container, expected) => { expect(of(container)).toEqual({ TEST_SERVICE_HOST: '1.2.3.4', ...expected }) })

  test.each<[string, Partial<Container>, string]>([
    ['no such file', { env: [fileKey('COLOR', { path: 'none' })] }, "couldn't parse env file: ENOENT: no such file"],
    ['a wrong file', { env: [fileKey('WRONG')] }, "couldn't parse env file: invalid environment variable format at line 3: value must be enclosed in single quotes"],
    ['an empty key of a file', { env: [fileKey('EMPTY')] }, 'environment variable key "EMPTY" not found in file "app.env"'],
    ['no such ConfigMap', { env: [{ name: 'C', valueFrom: { configMapKeyRef: { name: 'none', key: 'x' } } }] }, 'configmap "none" not found'],
    ['no such Secret in envFrom', { envFrom: [{ secretRef: { name: 'none' } }] }, 'secret "none" not found'],
    ['no such key', { env: [{ name: 'C', valueFrom: { configMapKeyRef: { name: 'settings', key: 'x' } } }] }, "couldn't find key x in ConfigMap default/settings"],
    ['a key of every object', { env: [{ name: 'C', valueFrom: { configMapKeyRef: { name: 'settings', key: '__proto__' } } }] }, "couldn't find key __proto__ in ConfigMap default/settings"],
  ])('%s', (_, container, message) => { expect(() => of(container)).toThrow(new ConfigError(message)) })
})

describe('the downward API', () => {
  const facts = { podIPs: ['10.0.0.1', 'fd00::1'], hostIPs: ['192.0.2.1'], nodeName: 'node-1', allocatable: { cpu: '4', memory: '8Gi' } }
  const pod = aPod({ containers: [aContainer('web', { resources: { limits: { cpu: '1500m', memory: '64Mi' }, requests: { cpu: '250m', memory: '32Mi' } } }), aContainer('free')], serviceAccountName: 'robot' }, { labels: { b: '2', a: '1' }, annotations: { note: 'two\nlines' } })
  test.each([
    ['metadata.labels', 'a="1"\nb="2"'], ['metadata.annotations', 'note="two\\nlines"'], ["metadata.labels['a']", '1'], ["metadata.labels['none']", ''], ["metadata.labels['__proto__']", ''], ['metadata.uid', 'uid-1'], ['status.podIPs', '10.0.0.1,fd00::1'], ['spec.serviceAccountName', 'robot'],
  ])('%s', (fieldPath, expected) => { expect(fieldValue(pod, { fieldPath }, facts)).toBe(expected) })
  test.each<[string, string, string, string | undefined, string]>([
    ['web', 'limits.cpu', '2', undefined, 'rounded up'], ['web', 'limits.cpu', '1500', '1m', 'in thousandths'], ['web', 'requests.cpu', '1', '1', 'rounded up'], ['web', 'limits.memory', '67108864', undefined, 'in bytes'], ['web', 'limits.memory', '64', '1Mi', 'in mebibytes'],
    ['free', 'limits.cpu', '4', undefined, 'the node\'s'], ['free', 'limits.memory', '8589934592', undefined, 'the node\'s'], ['free', 'requests.cpu', '0', undefined, 'nothing'],
  ])('%s %s is %s with divisor %s: %s', (containerName, resource, expected, divisor) => { expect(resourceValue(pod, { containerName, resource, divisor }, undefined, facts.allocatable)).toBe(expected) })
})

describe('resources', () => {
  const with_ = (requests: Record<string, string> | undefined, limits: Record<string, string> | undefined, name = 'web') => aContainer(name, { resources: { ...(requests && { requests }), ...(limits && { limits }) } })
  test.each<[string, Container, object]>([
    ['nothing asked for', with_(undefined, undefined), { cpuShares: 2 }], ['half a CPU', with_({ cpu: '500m' }, undefined), { cpuShares: 512 }],
    ['limits stand for requests', with_(undefined, { cpu: '2', memory: '1Gi' }), { cpuShares: 2048, cpuQuotaMicroseconds: 200_000, cpuPeriodMicroseconds: 100_000, memoryLimitBytes: 2 ** 30 }],
    ['the least quota', with_(undefined, { cpu: '1m' }), { cpuShares: 2, cpuQuotaMicroseconds: 1000, cpuPeriodMicroseconds: 100_000 }],
  ])('%s', (_, container, expected) => { expect(containerLimits(container)).toEqual(expected) })

  test('a pod is limited where all of its containers are', () => {
    expect(sandboxLimits(aPod({ containers: [with_(undefined, { memory: '1Gi' }), with_(undefined, { memory: '1Gi', cpu: '1' }, 'b')] }))).toEqual({ cpuShares: 1024, memoryLimitBytes: 2 ** 31 })
  })

  test('init containers run one at a time, sidecars beside all that follow', () => {
    const pod = aPod({ initContainers: [with_({ cpu: '2' }, undefined, 'init'), { ...with_({ cpu: '1' }, undefined, 'side'), restartPolicy: 'Always' }, with_({ cpu: '500m' }, undefined, 'later')], containers: [with_({ cpu: '100m' }, undefined)] })
    expect(podRequests(pod)).toEqual({ cpu: '2' })
    expect(podRequests(aPod({ ...pod.spec, containers: [with_({ cpu: '1500m' }, undefined)] }))).toEqual({ cpu: '2500m' })
  })

  test.each<[string, Pod, string, number]>([
    ['BestEffort', aPod(), 'BestEffort', 1000], ['Burstable', aPod({ containers: [with_({ memory: '4Gi' }, undefined)] }), 'Burstable', 500], ['Burstable, a little', aPod({ containers: [with_({ memory: '1Mi' }, undefined)] }), 'Burstable', 999],
    ['Guaranteed', aPod({ containers: [with_({ cpu: '1', memory: '1Gi' }, { cpu: '1000m', memory: '1Gi' })] }), 'Guaranteed', -997], ['critical', aPod({ priorityClassName: 'system-node-critical' }), 'BestEffort', -997],
  ])('%s', (_, pod, qos, score) => {
    expect(qosClassOf(pod)).toBe(qos)
    expect(oomScoreAdjust(pod, pod.spec.containers[0] ?? aContainer(), 8 * 2 ** 30)).toBe(score)
  })
})

describe('names', () => {
  const host = parseResolvConf('# made by somebody\nnameserver 8.8.8.8\nsearch example.com lan\noptions rotate timeout:2 ; end\n')
  const cluster = { clusterDNS: ['10.96.0.10'], clusterDomain: 'cluster.local' }
  test.each<[string, Pod, string]>([
    ['ClusterFirst', aPod({ dnsPolicy: 'ClusterFirst' }), 'search default.svc.cluster.local svc.cluster.local cluster.local example.com lan\nnameserver 10.96.0.10\noptions ndots:5\n'],
    ['ClusterFirst on the host\'s network is the host\'s', aPod({ dnsPolicy: 'ClusterFirst', hostNetwork: true }), 'search example.com lan\nnameserver 8.8.8.8\noptions rotate timeout:2\n'],
    ['ClusterFirstWithHostNet', aPod({ dnsPolicy: 'ClusterFirstWithHostNet', hostNetwork: true }), 'search default.svc.cluster.local svc.cluster.local cluster.local example.com lan\nnameserver 10.96.0.10\noptions ndots:5\n'],
    ['Default', aPod({ dnsPolicy: 'Default' }), 'search example.com lan\nnameserver 8.8.8.8\noptions rotate timeout:2\n'],
    ['None', aPod({ dnsPolicy: 'None', dnsConfig: { nameservers: ['1.1.1.1'], searches: ['a'], options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }] } }), 'search a\nnameserver 1.1.1.1\noptions ndots:2 edns0\n'],
    ['its own on top', aPod({ dnsConfig: { nameservers: ['1.1.1.1', '10.96.0.10'], options: [{ name: 'ndots', value: '2' }] } }), 'search default.svc.cluster.local svc.cluster.local cluster.local example.com lan\nnameserver 10.96.0.10\nnameserver 1.1.1.1\noptions ndots:2\n'],
  ])('%s', (_, pod, expected) => { expect(resolvConfOf(pod, host, cluster)).toBe(expected) })

  test('hosts', () => {
    expect(hostsFile(aPod({ hostAliases: [{ ip: '1.2.3.4', hostnames: ['foo', 'bar'] }] }), { podIPs: ['10.0.0.1'], hostname: 'web', domainName: 'sub.default.svc.cluster.local' })).toBe(
      '# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n10.0.0.1\tweb.sub.default.svc.cluster.local\tweb\n\n# Entries added by HostAliases.\n1.2.3.4\tfoo\tbar\n')
  })

  test.each<[string, Pod, object]>([
    ['the pod\'s name', aPod(), { hostname: 'web-1', domainName: '' }], ['its own', aPod({ hostname: 'own', subdomain: 'sub' }), { hostname: 'own', domainName: 'sub.default.svc.cluster.local' }],
    ['cut to what a label may have', aPod({}, { name: `${'a'.repeat(62)}-b` }), { hostname: 'a'.repeat(62), domainName: '' }], ['as FQDN', aPod({ subdomain: 'sub', setHostnameAsFQDN: true }), { hostname: 'web-1.sub.default.svc.cluster.local' }],
    ['the machine\'s, in its network', aPod({ hostNetwork: true }), { hostname: 'machine-1', domainName: '' }], ['the machine\'s, in its network, whatever it asks for', aPod({ hostNetwork: true, hostname: 'own', subdomain: 'sub' }), { hostname: 'machine-1', domainName: '' }],
    ['one that stands above all', aPod({ hostname: 'own', subdomain: 'sub', hostnameOverride: 'other.example.com' }), { hostname: 'other.example.com', domainName: '' }],
  ])('host name: %s', (_, pod, expected) => { expect(hostnameOf(pod, { hostname: 'machine-1', clusterDomain: 'cluster.local' })).toMatchObject(expected) })

  test('an FQDN that is too long', () => {
    expect(() => hostnameOf(aPod({ hostname: 'a'.repeat(60), subdomain: 'sub', setHostnameAsFQDN: true }), { hostname: 'machine-1', clusterDomain: 'cluster.local' })).toThrow(/is too long \(64 characters is the max, \d+ characters requested\)/)
  })
})

describe('what runs of an image', () => {
  const program = (entrypoint: string[], command: string[] = []) => ({ ref: { kind: 'host' as const }, entrypoint, command })
  const image = { ref: { kind: 'root' as const, path: '/root', id: 'sha256:1' }, entrypoint: ['/entry', 'app'], command: ['serve'] }
  test.each<[string, Parameters<typeof imageCommand>[0], string[], string[]]>([
    ['its own command', image, [], ['/entry', 'app', 'serve']], ['args in its place', image, ['app', '-v'], ['/entry', 'app', 'app', '-v']],
    ['flags for a program of the machine', program(['redis-server']), ['--port', '1'], ['redis-server', '--port', '1']],
    ['a command of the program', program(['minio']), ['server', '/data'], ['minio', 'server', '/data']],
    ['args that begin with the program', program(['/usr/bin/redis-server']), ['redis-server', '/etc/redis.conf'], ['redis-server', '/etc/redis.conf']],
    ['args that begin with the program behind a wrapper', program(['entry.sh', 'postgres', '-c', 'a=b']), ['postgres', '-c', 'c=d'], ['entry.sh', 'postgres', '-c', 'c=d']],
    ['a command that is no entry point', program([], ['sh']), ['echo', 'on'], ['echo', 'on']],
  ])('%s', (_, of, args, command) => expect(imageCommand(of, args)).toEqual(command))
})

describe('the container\'s spec', () => {
  const make = async (container: Partial<Container>, spec = {}) => {
    const image = await hostImage.resolve('host')
    if (!image) throw new Error('there is always a host image')
    return containerSpec(aPod(spec), aContainer('web', container), { attempt: 0, image, environment: [{ name: 'A', value: 'a' }], mounts: [], logPath: '/log', memoryCapacityBytes: 2 ** 30 })
  }
  test('command and arguments, expanded', async () => { expect((await make({ command: ['run', '$(A)'], args: ['$(B)', '$$(A)'] })).command).toEqual(['run', 'a', '$(B)', '$(A)']) })
  test('an empty list is none', async () => { expect((await make({ command: ['run'], args: [] })).command).toEqual(['run']); await expect(make({ command: [], args: [] })).rejects.toThrow('no command specified') })
  test.each<[string, Partial<Container>, object, string]>([
    ['no command', { command: undefined } as never, {}, 'no command specified'], ['root forbidden, no user', { securityContext: { runAsNonRoot: true } }, {}, 'container has runAsNonRoot and image will run as root (pod: "web-1_default(uid-1)", container: web)'],
    ['root forbidden, root wanted', {}, { securityContext: { runAsNonRoot: true, runAsUser: 0 } }, "container's runAsUser breaks non-root policy"],
  ])('%s', async (_, container, spec, message) => { await expect(make(container, spec)).rejects.toThrow(message) })
  test('the target of an ephemeral container', async () => {
    const ephemeralContainers = [{ name: 'web', image: 'host', targetContainerName: 'app' }, { name: 'other', image: 'host' }]
    expect(await make({}, { ephemeralContainers })).toMatchObject({ targetContainer: 'app' })
    expect(await make({}, {})).not.toHaveProperty('targetContainer')
  })
  test('users and groups', async () => { expect(await make({ securityContext: { runAsUser: 7 } }, { securityContext: { runAsUser: 5, runAsGroup: 6, fsGroup: 8, supplementalGroups: [9] } })).toMatchObject({ runAsUser: 7, runAsGroup: 6, supplementalGroups: [9, 8] }) })
  test('only the groups that are asked for', async () => {
    expect(await make({}, { securityContext: { supplementalGroupsPolicy: 'Strict' } })).toMatchObject({ strictGroups: true })
    for (const securityContext of [{}, { supplementalGroupsPolicy: 'Merge' }]) expect(await make({}, { securityContext })).not.toHaveProperty('strictGroups')
  })
})

describe('an image that is not here', () => {
  test.each<[string, string, string | undefined, string, RegExp]>([
    ['a registry\'s', 'nginx:1.27', undefined, 'ErrImagePull', /image: host.*wherry image load/], ['with a digest', `r.example:5000/a/b@sha256:${'a'.repeat(64)}`, undefined, 'ErrImagePull', /host/], ['never to be pulled', 'nginx', 'Never', 'ErrImageNeverPull', /^Container image "nginx" is not present with pull policy of Never$/], ['no name at all', 'UPPER case', undefined, 'InvalidImageName', /couldn't parse image name/],
  ])('%s', (_, image, policy, reason, message) => {
    const verdict = missingImage(image, policy, undefined, 0)
    expect(verdict.reason).toBe(reason)
    expect(verdict.message).toMatch(message)
  })
  test('is tried again after 10 s, 20 s, ...', () => {
    const first = missingImage('nginx', undefined, undefined, 0)
    expect(missingImage('nginx', undefined, first.backOff, 9_999)).toMatchObject({ reason: 'ImagePullBackOff', retryMilliseconds: 1 })
    expect(missingImage('nginx', undefined, first.backOff, 10_000)).toMatchObject({ reason: 'ErrImagePull', backOff: { delayMilliseconds: 20_000 } })
  })
})

describe('admission', () => {
  const node = { metadata: { name: 'node-1', uid: 'n', resourceVersion: '1', creationTimestamp: '', labels: { zone: 'a' } }, spec: {}, status: {} } as AdmissionInput['node']
  const cpu = (amount: string) => aPod({ containers: [aContainer('web', { resources: { requests: { cpu: amount } } })] })
  const port = (hostPort: number, hostIP?: string, protocol = 'TCP') => aPod({ containers: [aContainer('web', { ports: [{ containerPort: 1, hostPort, protocol, ...(hostIP && { hostIP }) }] })] })
  const input = (pod: Pod, more: Partial<AdmissionInput> = {}): AdmissionInput => ({ pod, node, allocatable: { cpu: '1', memory: '1Gi', pods: '2' }, others: [], ...more })
  const tainted = { ...node, spec: { taints: [{ key: 'k', effect: 'NoExecute' }] } }
  test.each<[string, AdmissionInput, object | undefined]>([
    ['it fits', input(cpu('1')), undefined], ['no CPU left', input(cpu('600m'), { others: [cpu('500m')] }), { reason: 'OutOfcpu', message: "Node didn't have enough resource: cpu, requested: 600, used: 500, capacity: 1000" }],
    ['too many pods', input(aPod(), { others: [aPod(), aPod()] }), { reason: 'OutOfpods' }], ['a resource of the cluster', input(aPod({ containers: [aContainer('web', { resources: { requests: { 'example.com/x': '1' } } })] })), undefined],
    ['another node', input(aPod({ nodeName: 'node-2' })), { reason: 'NodeName' }], ['a selector that matches', input(aPod({ nodeSelector: { zone: 'a' } })), undefined], ['one that does not', input(aPod({ nodeSelector: { zone: 'b' } })), { reason: 'NodeAffinity' }],
    ['the port is taken', input(port(80), { others: [port(80)] }), { reason: 'NodePorts' }], ['on another address', input(port(80, '127.0.0.1'), { others: [port(80, '127.0.0.2')] }), undefined], ['on all addresses', input(port(80, '127.0.0.1'), { others: [port(80)] }), { reason: 'NodePorts' }], ['of another protocol', input(port(80), { others: [port(80, undefined, 'UDP')] }), undefined],
    ['a taint', input(aPod(), { node: tainted }), { reason: 'TaintToleration' }], ['tolerated', input(aPod({ tolerations: [{ operator: 'Exists' }] }), { node: tainted }), undefined],
    ['AppArmor', input(aPod({ securityContext: { appArmorProfile: { type: 'RuntimeDefault' } } })), { reason: 'AppArmor', message: 'Cannot enforce AppArmor: AppArmor is not enabled on the host' }],
    ['AppArmor, by annotation', input(aPod({}, { annotations: { 'container.apparmor.security.beta.kubernetes.io/web': 'localhost/p' } })), { reason: 'AppArmor' }],
    ['AppArmor of an init container', input(aPod({ initContainers: [aContainer('init', { securityContext: { appArmorProfile: { type: 'Localhost', localhostProfile: 'p' } } })] }), { appArmor: true }), { reason: 'AppArmor', message: 'Cannot enforce AppArmor: this kubelet applies no AppArmor profiles' }],
    ['AppArmor of the pod only, whose container wants none', input(aPod({ securityContext: { appArmorProfile: { type: 'RuntimeDefault' } }, containers: [aContainer('web', { securityContext: { appArmorProfile: { type: 'Unconfined' } } })] })), undefined],
    ['AppArmor of another container, by annotation', input(aPod({}, { annotations: { 'container.apparmor.security.beta.kubernetes.io/other': 'runtime/default' } })), undefined],
    ['a sysctl that is not safe', input(aPod({ securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } })), { reason: 'SysctlForbidden', message: 'forbidden sysctl: "kernel.msgmax" not allowlisted' }],
    ['a feature that is not there', input(aPod({ os: { name: 'windows' } })), { reason: 'PodOSNotSupported', message: "Failed to admit pod as the OS field doesn't match node OS" }],
  ])('%s', (_, of, expected) => {
    if (expected) expect(admit(of)).toMatchObject(expected)
    else expect(admit(of)).toBeUndefined()
  })
})
