import { describe, expect, test } from 'vitest'
import { deepCopy } from '../../../../src/api/equal.ts'
import { type Kind, Services } from '../../../../src/api/kinds.ts'
import type { KubeObject } from '../../../../src/api/meta.ts'
import type { Service } from '../../../../src/api/types.ts'
import { makePools } from '../../../../src/apiserver/registry/core/service-allocation.ts'
import { addressPool, pickFree, portPool } from '../../../../src/apiserver/registry/core/service-pools.ts'
import { addressText, canonicalIP } from '../../../../src/apiserver/registry/ip-address.ts'
import { parseIP } from '../../../../src/apiserver/registry/ip-address.ts'
import { makeStrategies } from '../../../../src/apiserver/registry/registry.ts'
import { fakeRandom } from '../../../support/fake-random.ts'
import { contextWith, created, lines, sent, strategyOf, updated } from '../support.ts'

/** A cluster's Services: what create and update do of one API server, with a store that keeps what it is given. */
const cluster = (options = { serviceCIDR: '10.96.0.0/16', nodePortRange: { first: 30_000, last: 32_767 } }) => {
  const strategy = strategyOf(Services, makeStrategies(options))
  const stored = new Map<string, Service>()
  const random = fakeRandom()
  const context = () => contextWith([], { random, lookup: { get: () => undefined, list: <T extends KubeObject>(kind: Kind<T>) => ((kind as Kind) === Services ? [...stored.values()] : []) as unknown as readonly T[] } })
  let made = 0
  const refuse = (errors: readonly string[]): void => { if (errors.length > 0) throw new Error(errors.join('; ')) }
  const begin = async (next: Service, old?: Service) => (await strategy.begin?.(next, old, context())) ?? { release: () => undefined }
  return {
    stored, strategy, begin,
    draft(spec: object, name = `s${++made}`): Service {
      const service = sent<Service>({ spec }, { name, uid: name })
      strategy.setDefaults?.(service)
      strategy.prepareForCreate?.(service, context())
      refuse(lines(strategy.validate?.(service, context()) ?? []))
      return service
    },
    async create(spec: object, name?: string): Promise<Service> {
      const service = this.draft(spec, name)
      await begin(service)
      stored.set(service.metadata.uid, service)
      return deepCopy(service)
    },
    async update(old: Service, change: (next: Service) => void): Promise<Service> {
      const next = deepCopy(old)
      change(next)
      strategy.setDefaults?.(next)
      strategy.prepareForUpdate?.(next, old, context())
      refuse(lines(strategy.validateUpdate?.(next, old, context()) ?? []))
      await begin(next, old)
      stored.set(next.metadata.uid, next)
      return deepCopy(next)
    },
    async remove(service: Service): Promise<void> {
      stored.delete(service.metadata.uid)
      await strategy.afterDelete?.(service, context())
    },
  }
}

const web = { ports: [{ port: 80 }], selector: { app: 'web' } }

describe('defaults', () => {
  for (const [name, spec, expected] of [
    ['cluster IP', web, { ...web, ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }], type: 'ClusterIP', sessionAffinity: 'None', internalTrafficPolicy: 'Cluster' }],
    ['affinity by client', { ...web, sessionAffinity: 'ClientIP' }, { sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } } }],
    ['node port', { ...web, type: 'NodePort' }, { externalTrafficPolicy: 'Cluster' }],
    ['load balancer', { ...web, type: 'LoadBalancer' }, { externalTrafficPolicy: 'Cluster', allocateLoadBalancerNodePorts: true }],
    ['external name', { type: 'ExternalName', externalName: 'a.b' }, { type: 'ExternalName', externalName: 'a.b', sessionAffinity: 'None' }],
    ['a target that is a name', { ports: [{ port: 80, targetPort: 'http' }] }, { ports: [{ port: 80, protocol: 'TCP', targetPort: 'http' }] }],
  ] as const) test(name, () => expect(created(Services, sent<Service>({ spec })).object.spec).toMatchObject(expected))
})

describe('what is wrong is told in upstream\'s words', () => {
  const errorsOf = (spec: object): string[] => created(Services, sent<Service>({ spec })).errors
  for (const [name, spec, expected] of [
    ['no ports', { selector: {} }, ['spec.ports: Required value']],
    ['two ports without names', { ports: [{ port: 80 }, { port: 81 }] }, ['spec.ports[0].name: Required value', 'spec.ports[1].name: Required value']],
    ['a port twice', { ports: [{ name: 'a', port: 80 }, { name: 'b', port: 80 }] }, ['spec.ports[1]: Duplicate value: {"protocol":"TCP","port":80}']],
    ['a name twice', { ports: [{ name: 'a', port: 80 }, { name: 'a', port: 81 }] }, ['spec.ports[1].name: Duplicate value: "a"']],
    ['port out of range', { ports: [{ port: 0 }] }, ['spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive', 'spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive']],
    ['protocol', { ports: [{ port: 80, protocol: 'ICMP' }] }, ['spec.ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"']],
    ['type', { ...web, type: 'Magic' }, ['spec.type: Unsupported value: "Magic": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"']],
    ['node port of a cluster IP', { ports: [{ port: 80, nodePort: 30000 }] }, ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"]],
    ['headless node port', { ...web, type: 'NodePort', clusterIP: 'None' }, ["spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services"]],
    ['external name without a name', { type: 'ExternalName' }, ['spec.externalName: Required value']],
    ['external name with an address', { type: 'ExternalName', externalName: 'a.b', clusterIP: '10.96.0.9' }, ['spec.clusterIPs: Forbidden: may not be set for ExternalName services']],
    ['leading zeros', { ...web, clusterIP: '10.096.0.9' }, ['spec.clusterIPs[0]: Invalid value: "10.096.0.9": must not have leading 0s']],
    ['no address', { ...web, clusterIP: 'here' }, ['spec.clusterIPs[0]: Invalid value: "here": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']],
    ['two addresses that differ', { ...web, clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.8'] }, ['spec.clusterIPs: Invalid value: ["10.96.0.8"]: first value must match `clusterIP`']],
    ['external IP of the link', { ...web, externalIPs: ['169.254.169.254'] }, ['spec.externalIPs[0]: Invalid value: "169.254.169.254": may not be in the link-local range (169.254.0.0/16, fe80::/10)']],
    ['external IP of no address', { ...web, externalIPs: ['192.0.2.1', '0.0.0.0'] }, ['spec.externalIPs[1]: Invalid value: "0.0.0.0": may not be unspecified (0.0.0.0)']],
    ['external IP', { ...web, externalIPs: ['127.0.0.1'] }, ['spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)']],
    ['affinity', { ...web, sessionAffinity: 'Cookie' }, ['spec.sessionAffinity: Unsupported value: "Cookie": supported values: "ClientIP", "None"']],
    ['affinity for too long', { ...web, sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 86401 } } }, ['spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: must be greater than 0 and less than 86400']],
    ['traffic from outside', { ...web, externalTrafficPolicy: 'Local' }, ['spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services']],
    ['balancer\'s class', { ...web, loadBalancerClass: 'a/b' }, ["spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'"]],
    ['source ranges', { ...web, type: 'LoadBalancer', loadBalancerSourceRanges: ['10.0.0.1/8'] }, ['spec.LoadBalancerSourceRanges[0]: Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix length']],
  ] as const) test(name, () => expect(errorsOf(spec)).toEqual(expected))
})

describe('allocation', () => {
  test('an address of the range, one family', async () => {
    const { spec } = await cluster().create(web)
    expect(spec.clusterIP).toMatch(/^10\.96\.\d+\.\d+$/)
    expect(spec).toMatchObject({ clusterIPs: [spec.clusterIP], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' })
  })

  test('headless gets none; without a selector it may have both families', async () => {
    expect((await cluster().create({ ...web, clusterIP: 'None' })).spec).toMatchObject({ clusterIP: 'None', clusterIPs: ['None'], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' })
    expect((await cluster().create({ ports: [{ port: 1 }], clusterIP: 'None' })).spec).toMatchObject({ ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' })
  })

  test('an external name gets none', async () => expect((await cluster().create({ type: 'ExternalName', externalName: 'a.b' })).spec.clusterIPs).toBeUndefined())

  test('no two Services get the same, seen or not yet seen', async () => {
    const services = cluster({ serviceCIDR: '10.0.0.0/28', nodePortRange: { first: 30_000, last: 30_012 } })
    // Nothing of these is stored before all have been given their addresses.
    const drafts = Array.from({ length: 13 }, () => services.draft({ ...web, type: 'NodePort' }))
    await Promise.all(drafts.map((draft) => services.begin(draft)))
    expect(new Set(drafts.map(({ spec }) => spec.clusterIP)).size).toBe(13)
    expect(new Set(drafts.map(({ spec }) => spec.ports?.[0]?.nodePort)).size).toBe(13)
    await expect(services.create({ ...web, type: 'NodePort' })).rejects.toThrow('Internal error occurred: failed to allocate a nodePort: range is full')
    const last = await services.create(web)
    await expect(services.create(web)).rejects.toThrow('Internal error occurred: failed to allocate a serviceIP: range is full')
    await services.remove(last)
    expect((await services.create(web)).spec.clusterIP).toBe(last.spec.clusterIP)
  })

  test('what could not be stored is given back', async () => {
    const services = cluster()
    const draft = services.draft({ ...web, clusterIP: '10.96.0.10' })
    const { release } = await services.begin(draft)
    await expect(services.create({ ...web, clusterIP: '10.96.0.10' }, 'b')).rejects.toThrow('provided IP is already allocated')
    await release()
    await services.create({ ...web, clusterIP: '10.96.0.10' })
  })

  for (const [name, spec, message] of [
    ['an address that is taken', { ...web, clusterIP: '10.96.0.10' }, 'Service "b" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.10"]: failed to allocate IP 10.96.0.10: provided IP is already allocated'],
    ['an address outside', { ...web, clusterIP: '10.97.0.1' }, 'Service "b" is invalid: spec.clusterIPs: Invalid value: ["10.97.0.1"]: failed to allocate IP 10.97.0.1: the provided IP (10.97.0.1) is not in the valid range. The range of valid IPs is 10.96.0.0/16'],
    ['the network\'s own address', { ...web, clusterIP: '10.96.0.0' }, 'is not in the valid range'],
    ['a port that is taken', { type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] }, 'Service "b" is invalid: spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated'],
    ['a port outside', { type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] }, 'Service "b" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767'],
    ['another family', { ...web, ipFamilies: ['IPv6'] }, 'Service "b" is invalid: spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster'],
    ['both families', { ...web, ipFamilyPolicy: 'RequireDualStack' }, 'Service "b" is invalid: spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services'],
    ['an address of the other family', { ...web, clusterIP: 'fd00::1' }, 'Service "b" is invalid: spec.clusterIPs[0]: Invalid value: ["fd00::1"]: IPv6 is not configured on this cluster'],
  ] as const) {
    test(name, async () => {
      const services = cluster()
      await services.create({ ...web, type: 'NodePort', clusterIP: '10.96.0.10', ports: [{ port: 80, nodePort: 30080 }] })
      await expect(services.create(spec, 'b')).rejects.toThrow(message)
    })
  }

  test('TCP and UDP of one port share a node port', async () => {
    const { spec } = await cluster().create({ type: 'NodePort', ports: [{ name: 'a', port: 53 }, { name: 'b', port: 53, protocol: 'UDP' }, { name: 'c', port: 54 }] })
    const [tcp, udp, other] = (spec.ports ?? []).map(({ nodePort }) => nodePort)
    expect(tcp).toBe(udp)
    expect(other).not.toBe(tcp)
  })

  test('a local load balancer gets a health check port, one without node ports gets none', async () => {
    expect((await cluster().create({ ...web, type: 'LoadBalancer', externalTrafficPolicy: 'Local' })).spec.healthCheckNodePort).toBeGreaterThanOrEqual(30_000)
    expect((await cluster().create({ ...web, type: 'LoadBalancer', allocateLoadBalancerNodePorts: false })).spec.ports?.[0]?.nodePort).toBeUndefined()
  })
})

describe('updates', () => {
  test('a manifest sent again keeps what was allocated', async () => {
    const services = cluster()
    const old = await services.create({ ...web, type: 'NodePort' })
    const again = await services.update(old, (next) => { next.spec = { ...deepCopy(web), type: 'NodePort' } })
    expect(again.spec).toEqual(old.spec)
  })

  test('the address stays', async () => {
    const services = cluster()
    const old = await services.create({ ...web, clusterIP: '10.96.0.10' })
    await expect(services.update(old, ({ spec }) => { spec.clusterIP = '10.96.0.11' })).rejects.toThrow('spec.clusterIPs[0]: Invalid value: ["10.96.0.11"]: may not change once set')
    await expect(services.update(old, ({ spec }) => { spec.clusterIP = 'None' })).rejects.toThrow('spec.clusterIPs[0]: Invalid value: ["None"]: may not change once set')
  })

  test('to a node port and back', async () => {
    const services = cluster()
    const old = await services.create(web)
    const node = await services.update(old, ({ spec }) => { spec.type = 'NodePort' })
    expect(node.spec.ports?.[0]?.nodePort).toBeGreaterThanOrEqual(30_000)
    expect(node.spec.clusterIP).toBe(old.spec.clusterIP)
    const back = await services.update(node, ({ spec }) => { spec.type = 'ClusterIP' })
    expect(back.spec).toEqual(old.spec)
    // The port is free again.
    await services.create({ type: 'NodePort', ports: [{ port: 1, nodePort: node.spec.ports?.[0]?.nodePort }] })
  })

  test('to an external name and back: the address is free, then there is a new one', async () => {
    const services = cluster()
    const old = await services.create({ ...web, clusterIP: '10.96.0.10' })
    const external = await services.update(old, ({ spec }) => { spec.type = 'ExternalName'; spec.externalName = 'a.b' })
    expect(external.spec.clusterIP).toBeUndefined()
    expect(external.spec.ipFamilies).toBeUndefined()
    await services.create({ ...web, clusterIP: '10.96.0.10' })
    const back = await services.update(external, ({ spec }) => { spec.type = 'ClusterIP'; delete spec.externalName })
    expect(back.spec.clusterIP).toMatch(/^10\.96\./)
    expect(back.spec.clusterIP).not.toBe('10.96.0.10')
  })

  test('a new port gets a node port, the old one keeps its own', async () => {
    const services = cluster()
    const old = await services.create({ type: 'NodePort', ports: [{ name: 'a', port: 80 }] })
    const next = await services.update(old, ({ spec }) => { spec.ports = [{ name: 'b', port: 81 }, { name: 'a', port: 80 }] })
    expect(next.spec.ports?.[1]?.nodePort).toBe(old.spec.ports?.[0]?.nodePort)
    expect(next.spec.ports?.[0]?.nodePort).not.toBe(old.spec.ports?.[0]?.nodePort)
  })

  test('status', () => {
    const balanced = created(Services, sent<Service>({ spec: { ...web, type: 'LoadBalancer' } })).object
    const { object, errors } = updated(Services, balanced, (next) => { next.spec.type = 'ClusterIP'; next.status = { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } } }, { subresource: 'status' })
    expect(object.spec.type).toBe('LoadBalancer')
    expect(errors).toEqual(['status.loadBalancer.ingress[0].ipMode: Required value: must be specified when `ip` is set'])
    expect(updated(Services, created(Services, sent<Service>({ spec: web })).object, (next) => { next.status = { loadBalancer: { ingress: [{ hostname: 'a' }] } } }, { subresource: 'status' }).errors)
      .toEqual(["status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'"])
  })
})

describe('pools', () => {
  test('chance takes from the upper part first', () => {
    const [addresses, ports] = [addressPool('10.96.0.0/16'), portPool({ first: 30_000, last: 32_767 })]
    for (let round = 0; round < 200; round++) {
      expect(addressText({ family: 'IPv4', value: pickFree(addresses, () => true, fakeRandom(round)) ?? 0n })).not.toMatch(/^10\.96\.0\./)
      expect(Number(pickFree(ports, () => true, fakeRandom(round)))).toBeGreaterThanOrEqual(30_086)
    }
    expect(addressText({ family: 'IPv4', value: pickFree(addresses, (value) => value < addresses.dynamicFrom, fakeRandom()) ?? 0n })).toMatch(/^10\.96\.[01]\./)
  })

  test('a range that is none', () => expect(() => makePools({ serviceCIDR: '10.96.0.0', nodePortRange: { first: 1, last: 2 } })).toThrow('"10.96.0.0" is no range of addresses'))

  for (const [text, canonical] of [['10.0.0.1', '10.0.0.1'], ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'], ['::', '::'], ['1:0:0:2:0:0:0:3', '1:0:0:2::3'], ['::ffff:10.0.0.1', '::ffff:a00:1'], ['fe80::', 'fe80::']] as const) {
    test(`${text} is ${canonical}`, () => expect(canonicalIP(text)).toBe(canonical))
  }

  for (const text of ['', '1.2.3', '1.2.3.4.5', '256.1.1.1', 'a.b.c.d', '1::2::3', ':::', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '12345::', ':1:2:3:4:5:6:7', '1.2.3.4::']) {
    test(`${JSON.stringify(text)} is no address`, () => expect(parseIP(text)).toBeUndefined())
  }
})
