import { describe, expect, test } from 'vitest'
import { doorChanges, plannedDoors } from '../../../src/cluster/rootless/port-plan.ts'
import type { Pod, Service } from '../../../src/api/types.ts'

const service = (name: string, spec: object): Service => ({ metadata: { name, namespace: 'default' }, spec }) as never
const pod = (name: string, spec: object, status: object = { phase: 'Running', hostIP: '172.20.0.1', podIP: '10.244.0.2' }): Pod => ({ metadata: { name, namespace: 'default' }, spec, status }) as never
const withPort = (port: object): object => ({ containers: [{ name: 'c', ports: [port] }] })
const planned = (services: Service[], pods: Pod[] = []) => plannedDoors({ services, pods, node: '172.20.0.1' })

describe('ports of the machine', () => {
  test.each<[string, Service[], Pod[], string[]]>([
    ['none for a Service within the cluster', [service('a', { type: 'ClusterIP', ports: [{ port: 80 }] })], [], []],
    ['those of nodes', [service('a', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_000 }, { port: 53, protocol: 'UDP', nodePort: 30_001 }] })], [], ['TCP 0.0.0.0:30000 172.20.0.1:30000', 'UDP 0.0.0.0:30001 172.20.0.1:30001']],
    ['a balancer\'s, its health check among them', [service('a', { type: 'LoadBalancer', healthCheckNodePort: 30_009, ports: [{ port: 80, nodePort: 30_000 }] })], [], ['TCP 0.0.0.0:30000 172.20.0.1:30000', 'TCP 0.0.0.0:30009 172.20.0.1:30009']],
    ['not those of a balancer without any, nor SCTP\'s', [service('a', { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ports: [{ port: 80 }] }), service('b', { type: 'NodePort', ports: [{ port: 1, protocol: 'SCTP', nodePort: 30_002 }] })], [], []],
    ['a pod\'s, where it runs', [], [pod('a', withPort({ containerPort: 80, hostPort: 8080 }), { phase: 'Running', hostIP: '172.20.0.2', podIP: '10.244.1.2' })], ['TCP 0.0.0.0:8080 172.20.0.2:8080']],
    ['a pod\'s on one address', [], [pod('a', withPort({ containerPort: 80, hostPort: 8080, hostIP: '127.0.0.1' }))], ['TCP 127.0.0.1:8080 172.20.0.1:8080']],
    ['not those of pods in the network of their node, that have ended, or have not begun', [], [pod('a', { hostNetwork: true, ...withPort({ containerPort: 80, hostPort: 80 }) }), pod('b', withPort({ containerPort: 80, hostPort: 81 }), { phase: 'Failed', hostIP: '172.20.0.1', podIP: '10.244.0.3' }), pod('c', withPort({ containerPort: 80, hostPort: 82 }), {})], []],
    ['one for two that ask for it: the first by its name', [], [pod('b', withPort({ containerPort: 80, hostPort: 80 })), pod('a', withPort({ containerPort: 80, hostPort: 80 }), { phase: 'Running', hostIP: '172.20.0.2', podIP: '10.244.1.2' })], ['TCP 0.0.0.0:80 172.20.0.2:80']],
  ])('%s', (_, services, pods, doors) => {
    expect([...planned(services, pods)].map(([key, { host, port }]) => `${key} ${host}:${port}`).toSorted()).toEqual(doors)
  })

  test('what leads elsewhere is closed and opened anew; what is right is left alone', () => {
    const doors = planned([service('a', { type: 'NodePort', ports: [{ nodePort: 30_000 }, { nodePort: 30_001 }] })])
    const open = new Map([['TCP 0.0.0.0:30000', { protocol: 'TCP', host: '172.20.0.1', port: 30_000 }], ['TCP 0.0.0.0:30001', { protocol: 'TCP', host: '172.20.0.9', port: 30_001 }], ['UDP 0.0.0.0:9', { protocol: 'UDP', host: '172.20.0.1', port: 9 }]] as const)
    const { close, open: opened } = doorChanges(open, doors)
    expect([close, opened.map(({ outside }) => outside)]).toEqual([['TCP 0.0.0.0:30001', 'UDP 0.0.0.0:9'], [30_001]])
  })
})
